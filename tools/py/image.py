"""Root images made from Debian packages.

A package list is a file with a Debian package a line, or the name of one in tools/images (default: default). The packages and all they depend on
are fetched with apt into build/cache; nothing is installed on this machine and no maintainer script runs: what the scripts would
have made (links of alternatives, /etc/passwd, the loader's cache ...) is made here. Each DIR is laid over the result, in order.

The image is one uncompressed newc archive. The data of every file that has any starts at a multiple of 4096 bytes, so that it can be
mapped where it lies; zeros before the header, which Linux's unpacker skips, make up the difference. The same packages and
the same DIRs give the same bytes.
"""
import concurrent.futures
import contextlib
import fcntl
import hashlib
import importlib._bootstrap_external
import io
import json
import mmap
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(TOP, 'build', 'cache')
IMAGES = os.path.join(TOP, 'build', 'images')
PAGE = 4096
# The time given to what comes from no package.
EPOCH = 1700000000

DROPPED = re.compile(r'usr/share/(doc|man|info|locale|lintian|bug|doc-base|common-licenses|menu|pixmaps|applications|icons)(/|$)'
                     r'|usr/share/zoneinfo/(right|posix)(/|$)|usr/share/bash-completion(/|$)')
MERGED = re.compile(r'^(bin|sbin|lib|lib32|lib64|libx32)(/|$)')

# What maintainer scripts copy into place (base-files, base-passwd, libc-bin).
COPIES = [
    ('usr/share/base-passwd/passwd.master', 'etc/passwd'),
    ('usr/share/base-passwd/group.master', 'etc/group'),
    ('usr/share/libc-bin/nsswitch.conf', 'etc/nsswitch.conf'),
    ('usr/share/base-files/profile', 'etc/profile'),
    ('usr/share/base-files/dot.profile', 'root/.profile'),
    ('usr/share/base-files/dot.bashrc', 'root/.bashrc'),
    ('usr/share/base-files/nsswitch.conf', 'etc/nsswitch.conf'),
]
DEFAULT_FILES = {
    'etc/passwd': b'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n',
    'etc/group': b'root:x:0:\ntty:x:5:\nnogroup:x:65534:\n',
    'etc/hostname': b'uxrt\n',
    'etc/hosts': b'127.0.0.1 localhost uxrt\n',
}
DIRECTORIES = {'dev': 0o755, 'proc': 0o555, 'sys': 0o555, 'run': 0o755, 'tmp': 0o1777, 'root': 0o700, 'etc': 0o755, 'home': 0o755,
               'var': 0o755, 'var/tmp': 0o1777, 'usr': 0o755, 'usr/bin': 0o755, 'usr/sbin': 0o755, 'usr/lib': 0o755,
               'usr/lib64': 0o755}
DEVICES = {'dev/console': (0o600, 5, 1), 'dev/null': (0o666, 1, 3)}


class Problem(Exception):
    """Something the user can put right; its text says how."""


class Entry:
    """One file of the image. data is bytes-like for a regular file and for a symbolic link (its target)."""
    __slots__ = ('mode', 'uid', 'gid', 'mtime', 'data', 'rdev')

    def __init__(self, mode, data=b'', mtime=EPOCH, uid=0, gid=0, rdev=(0, 0)):
        self.mode, self.data, self.mtime, self.uid, self.gid, self.rdev = mode, data, mtime, uid, gid, rdev


class Progress:
    """One line that is overwritten on a terminal; a line per step elsewhere, unless standard error is kept for a guest's program."""

    def __init__(self):
        self.live = sys.stderr.isatty()
        self.lines = not self.live
        self.step_name = None

    def only_on_a_terminal(self):
        self.lines = False

    def step(self, name, done=0, total=0, unit=''):
        if self.live:
            share = f' {done * 100 // total:3d} %' if total else ''
            filled = 24 * done // total if total else 0
            bar = f' [{"#" * filled}{"." * (24 - filled)}]' if total else ''
            sys.stderr.write(f'\r\033[K{name}{bar}{share} {unit}')
            sys.stderr.flush()
        elif self.lines and name != self.step_name:
            sys.stderr.write(f'{name}\n')
        self.step_name = name

    def end(self):
        if self.live and self.step_name:
            sys.stderr.write('\r\033[K')
        self.step_name = None


progress = Progress()


# --- packages ---------------------------------------------------------------------------------------------------------------------

def read_list(path):
    with open(path) as f:
        names = [line.split('#')[0].strip() for line in f]
    names = [name for name in names if name]
    if not names:
        raise Problem(f'{path} names no package; put one Debian package on each line')
    for name in names:
        if not re.fullmatch(r'[a-z0-9][a-z0-9.+-]*', name):
            raise Problem(f'{path}: "{name}" is not the name of a Debian package')
    return names


def apt_options(lists):
    """apt with a package status of its own, where nothing is installed, so that the closure is complete."""
    home = os.path.join(CACHE, 'apt')
    os.makedirs(os.path.join(CACHE, 'packages', 'partial'), exist_ok=True)
    os.makedirs(os.path.join(home, 'lists', 'partial'), exist_ok=True)
    status = os.path.join(home, 'status')
    open(status, 'a').close()
    options = ['-o', f'Dir::State::status={status}', '-o', f'Dir::Cache={home}', '-o', 'Dir::Cache::archives=' +
               os.path.join(CACHE, 'packages'), '-o', 'APT::Install-Recommends=0', '-o', 'APT::Install-Suggests=0', '-o',
               'Debug::NoLocking=1', '-o', 'APT::Sandbox::User=root', '-o', 'APT::Architecture=amd64',
               '-o', f'Dir::State::extended_states={home}/extended_states', '-o', 'Acquire::Retries=3']
    if lists:
        options += ['-o', f'Dir::State::lists={lists}']
    return options


def apt_get(arguments, lists, folder=None):
    environment = dict(os.environ, LC_ALL='C', DEBIAN_FRONTEND='noninteractive')
    return subprocess.run(['apt-get', *apt_options(lists), *arguments], capture_output=True, text=True, env=environment,
                          stdin=subprocess.DEVNULL, cwd=folder)


def plan(names, lists):
    # The image is made with /bin, /lib ... inside /usr, so the package that would convert it is not needed.
    done = apt_get(['install', '-s', '-qq', '-y', 'usr-is-merged', *names], lists)
    if done.returncode:
        return None, done.stderr
    return re.findall(r'^Inst (\S+) \((\S+) .*?\[(\S+)\]\)', done.stdout, re.M), ''


def archive_name(package, version, architecture):
    return f'{package}_{version.replace(":", "%3a")}_{architecture}.deb'


def fetch(names, title, wanted='.'):
    """Fetches those packages of the names' closure whose name matches wanted; gives the archives' paths."""
    store = os.path.join(CACHE, 'packages')
    private = os.path.join(CACHE, 'apt', 'lists')
    lists = private if os.path.exists(os.path.join(private, 'fresh')) else None
    error = ''
    for attempt in range(2):
        progress.step(f'{title}: finding packages')
        packages, error = plan(names, lists)
        if packages is not None:
            packages = {archive_name(*package): f'{package[0]}={package[1]}' for package in packages if re.search(wanted, package[0])}
            missing = {name: which for name, which in packages.items() if not os.path.exists(os.path.join(store, name))}
            error = download(missing.values(), lists, title, store) if missing else None
            if error is None:
                return [os.path.join(store, name) for name in packages]
        if attempt == 0:
            # No package lists on this machine, or old ones: fetch fresh ones, beside the machine's own.
            progress.step(f'{title}: fetching package lists')
            update = apt_get(['update', '-qq'], private)
            if update.returncode == 0:
                open(os.path.join(private, 'fresh'), 'w').close()
                lists = private
    unknown = re.findall(r'Unable to locate package (\S+)|Package \'?([^\s\']+)\'? has no installation candidate', error)
    if unknown:
        raise Problem('no such Debian package: ' + ', '.join(a or b for a, b in unknown) + '; correct the package list')
    raise Problem('apt could not fetch the packages; check the network and /etc/apt/sources.list. It said:\n' + error.strip())


def download(packages, lists, title, store):
    """Fetches packages, each NAME=VERSION, into the store. Gives what went wrong, or None."""
    listed = apt_get(['download', '--print-uris', '-qq', *packages], lists)
    if listed.returncode:
        return listed.stderr
    files = [(name, int(size)) for name, size in re.findall(r"^'[^']*' (\S+\.deb) (\d+) ", listed.stdout, re.M)]
    total = sum(size for _, size in files) or 1
    stop = threading.Event()

    def watch():
        while not stop.wait(0.3):
            done = sum(min(size, os.path.getsize(os.path.join(store, name))) for name, size in files
                       if os.path.exists(os.path.join(store, name)))
            progress.step(f'{title}: downloading', done, total, f'of {total / 1e6:.0f} MB')

    progress.step(f'{title}: downloading')
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = apt_get(['download', '-qq', *packages], lists, store)
    finally:
        stop.set()
        watcher.join()
    if done.returncode:
        return done.stderr
    return None


# --- the tree ---------------------------------------------------------------------------------------------------------------------

def normal(path):
    """A path of an archive as the image has it: no leading "./", and /bin, /lib ... inside /usr."""
    path = os.path.normpath(path).lstrip('/')
    if path == '.':
        return ''
    return 'usr/' + path if MERGED.match(path) else path


def read_archive(path):
    """What one package contains: {path: Entry}, and its post-installation script."""
    tree = {}
    unpacked = subprocess.run(['dpkg-deb', '--fsys-tarfile', path], capture_output=True)
    if unpacked.returncode:
        os.unlink(path)
        raise Problem(f'{os.path.basename(path)} is damaged and was removed; run this again to fetch it anew')
    with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as tar:
        for member in tar:
            name = normal(member.name)
            if not name or DROPPED.match(name):
                continue
            common = dict(mtime=member.mtime, uid=member.uid, gid=member.gid)
            mode = stat.S_IMODE(member.mode)
            if member.isdir():
                tree[name] = Entry(stat.S_IFDIR | mode, **common)
            elif member.issym():
                tree[name] = Entry(stat.S_IFLNK | 0o777, member.linkname.encode(), **common)
            elif member.islnk():
                tree[name] = tree[normal(member.linkname)]
            elif member.isreg():
                tree[name] = Entry(stat.S_IFREG | mode, tar.extractfile(member).read(), **common)
    control = subprocess.run(['dpkg-deb', '--ctrl-tarfile', path], capture_output=True, check=True).stdout
    script = ''
    with tarfile.open(fileobj=io.BytesIO(control)) as tar:
        for member in tar:
            if os.path.normpath(member.name) == 'postinst':
                script = tar.extractfile(member).read().decode(errors='replace')
    return tree, script


def alternatives(tree, scripts):
    """The links that update-alternatives would make, best priority first (without its /etc/alternatives)."""
    best = {}
    for script in scripts:
        text = script.replace('\\\n', ' ')
        for link, target, priority in re.findall(r'update-alternatives\s+(?:--quiet\s+)?--install\s+(\S+)\s+\S+\s+(\S+)\s+(\d+)', text):
            link, target, priority = normal(link), normal(target), int(priority)
            if target in tree and (link not in best or best[link][0] < priority):
                best[link] = priority, target
    for link, (_, target) in sorted(best.items()):
        if link not in tree and not DROPPED.match(link):
            tree[link] = Entry(stat.S_IFLNK | 0o777, ('/' + target).encode())


def busybox_links(tree):
    """An image whose only programs are busybox's gets a link for each of them."""
    if 'usr/bin/busybox' not in tree or 'usr/bin/ls' in tree:
        return
    with tempfile.TemporaryDirectory() as scratch:
        program = os.path.join(scratch, 'busybox')
        with open(program, 'wb') as f:
            f.write(tree['usr/bin/busybox'].data)
        os.chmod(program, 0o755)
        applets = subprocess.run([program, '--list-full'], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        path = normal(applet)
        if path not in tree:
            tree[path] = Entry(stat.S_IFLNK | 0o777, b'/bin/busybox')


def loader_cache(tree):
    """/etc/ld.so.cache, made by ldconfig over the image's libraries."""
    ldconfig = shutil.which('ldconfig', path='/sbin:/usr/sbin:' + os.environ.get('PATH', ''))
    if 'etc/ld.so.conf' not in tree or not ldconfig:
        return
    with tempfile.TemporaryDirectory() as scratch:
        for name, entry in tree.items():
            if not (name.startswith('etc/ld.so.conf') or (re.match(r'usr/lib(64)?/', name) and '.so' in os.path.basename(name))):
                continue
            path = os.path.join(scratch, name)
            os.makedirs(os.path.dirname(path) if not stat.S_ISDIR(entry.mode) else path, exist_ok=True)
            if stat.S_ISREG(entry.mode):
                with open(path, 'wb') as f:
                    f.write(entry.data)
            elif stat.S_ISLNK(entry.mode):
                os.symlink(entry.data.decode(), path)
        for link in ('lib', 'lib64'):
            os.symlink('usr/' + link, os.path.join(scratch, link))
        subprocess.run([ldconfig, '-X', '-r', scratch], check=True, capture_output=True)
        with open(os.path.join(scratch, 'etc/ld.so.cache'), 'rb') as f:
            tree['etc/ld.so.cache'] = Entry(stat.S_IFREG | 0o644, f.read())


def compile_python(job):
    path, source, mtime = job
    try:
        code = compile(source, path, 'exec', dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):
        return None
    return importlib._bootstrap_external._code_to_timestamp_pyc(code, mtime, len(source))


def python_caches(tree, title):
    """The compiled modules that python3's packages make when installed, if this machine's python is of the same version."""
    version = f'{sys.version_info[0]}.{sys.version_info[1]}'
    if f'usr/bin/python{version}' not in tree:
        return
    tag = sys.implementation.cache_tag
    names = [name for name in sorted(tree) if re.match(rf'usr/lib/python(3|{version})/.*\.py$', name)
             and stat.S_ISREG(tree[name].mode)]
    jobs = [('/' + name, bytes(tree[name].data), int(tree[name].mtime)) for name in names]
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        for count, (name, compiled) in enumerate(zip(names, pool.map(compile_python, jobs, chunksize=16))):
            progress.step(f'{title}: compiling python modules', count, len(names))
            if compiled is None:
                continue
            folder, base = os.path.split(name)
            cache = f'{folder}/__pycache__'
            tree.setdefault(cache, Entry(stat.S_IFDIR | 0o755))
            tree[f'{cache}/{base[:-3]}.{tag}.pyc'] = Entry(stat.S_IFREG | 0o644, compiled, mtime=tree[name].mtime)


def build_tree(archives, title):
    tree, scripts = {}, []
    for count, path in enumerate(archives):
        progress.step(f'{title}: unpacking', count, len(archives), os.path.basename(path).split('_')[0])
        contents, script = read_archive(path)
        for name, entry in contents.items():
            if stat.S_ISDIR(entry.mode) and name in tree:
                continue
            tree[name] = entry
        scripts.append(script)
    progress.step(f'{title}: completing')
    for name, mode in DIRECTORIES.items():
        tree.setdefault(name, Entry(stat.S_IFDIR | mode))
    for link in ('bin', 'sbin', 'lib', 'lib64'):
        tree[link] = Entry(stat.S_IFLNK | 0o777, f'usr/{link}'.encode())
    for source, target in COPIES:
        if source in tree and target not in tree:
            tree[target] = Entry(stat.S_IFREG | 0o644, tree[source].data, mtime=tree[source].mtime)
    for name, data in DEFAULT_FILES.items():
        tree.setdefault(name, Entry(stat.S_IFREG | 0o644, data))
    for name, (mode, major, minor) in DEVICES.items():
        tree[name] = Entry(stat.S_IFCHR | mode, rdev=(major, minor))
    tree.setdefault('var/run', Entry(stat.S_IFLNK | 0o777, b'/run'))
    alternatives(tree, scripts)
    busybox_links(tree)
    loader_cache(tree)
    python_caches(tree, title)
    return tree


def lay_over(tree, folder):
    """Puts a host directory's files over the tree. Links of the tree that stand for directories (/bin) are followed."""
    if not os.path.isdir(folder):
        raise Problem(f'--extra {folder}: there is no such directory')
    for parent, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(parent, name)
            target = normal(os.path.relpath(path, folder))
            status = os.lstat(path)
            mode = status.st_mode
            if stat.S_ISDIR(mode):
                tree.setdefault(target, Entry(stat.S_IFDIR | stat.S_IMODE(mode)))
            elif stat.S_ISLNK(mode):
                tree[target] = Entry(stat.S_IFLNK | 0o777, os.readlink(path).encode())
            elif stat.S_ISREG(mode):
                with open(path, 'rb') as f:
                    tree[target] = Entry(stat.S_IFREG | stat.S_IMODE(mode), f.read())


def add_parents(tree):
    for name in list(tree):
        parent = os.path.dirname(name)
        while parent and parent not in tree:
            tree[parent] = Entry(stat.S_IFDIR | 0o755)
            parent = os.path.dirname(parent)


# --- the archive ------------------------------------------------------------------------------------------------------------------

def write_image(tree, path):
    add_parents(tree)
    temporary = f'{path}.{os.getpid()}'
    with open(temporary, 'wb') as out:
        position = 0

        def put(name, entry, number):
            nonlocal position
            data = entry.data
            text = name.encode() + b'\0'
            head = 110 + len(text)
            head += -head % 4
            if stat.S_ISREG(entry.mode) and len(data):
                gap = -(position + head) % PAGE
                out.write(bytes(gap))
                position += gap
            links = 2 if stat.S_ISDIR(entry.mode) else 1
            fields = (number, entry.mode, entry.uid, entry.gid, links, int(entry.mtime), len(data), 0, 0, *entry.rdev, len(text), 0)
            out.write((b'070701' + b''.join(b'%08x' % field for field in fields) + text).ljust(head, b'\0'))
            out.write(data)
            end = position + head + len(data)
            out.write(bytes(-end % 4))
            position = end + -end % 4

        put('.', Entry(stat.S_IFDIR | 0o755), 1)
        for number, name in enumerate(sorted(tree), 2):
            put(name, tree[name], number)
        put('TRAILER!!!', Entry(0, mtime=0), 0)
        out.write(bytes(-position % PAGE))
    os.rename(temporary, path)


def read_image(path):
    """The tree of an image that write_image made; file data stays in the file, mapped."""
    tree = {}
    with open(path, 'rb') as f:
        data = memoryview(mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ))
    position = 0
    while True:
        while data[position] == 0:
            position += 4
        if bytes(data[position:position + 6]) != b'070701':
            raise Problem(f'{path} is damaged; remove it and run this again')
        head = bytes(data[position:position + 110])
        (_, mode, uid, gid, _, mtime, size, _, _, major, minor, length, _) = (int(head[6 + 8 * i:14 + 8 * i], 16) for i in range(13))
        name = bytes(data[position + 110:position + 110 + length - 1]).decode()
        position += 110 + length
        position += -position % 4
        if name == 'TRAILER!!!':
            return tree
        if name != '.':
            tree[name] = Entry(mode, data[position:position + size], mtime, uid, gid, (major, minor))
        position += size + -size % 4


# --- caching ----------------------------------------------------------------------------------------------------------------------

def find_list(name):
    for path in (name, os.path.join(TOP, 'tools', 'images', name + '.list')):
        if os.path.isfile(path):
            return path
    raise Problem(f'there is no package list "{name}": neither a file nor a list in tools/images')


def digest(*parts):
    return hashlib.sha256('\0'.join(parts).encode()).hexdigest()[:24]


def folder_digest(folder):
    sums = hashlib.sha256()
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(folders + files):
            path = os.path.join(parent, name)
            status = os.lstat(path)
            sums.update(f'{os.path.relpath(path, folder)}\0{status.st_mode:o}\0'.encode())
            if stat.S_ISLNK(status.st_mode):
                sums.update(os.readlink(path).encode())
            elif stat.S_ISREG(status.st_mode):
                with open(path, 'rb') as f:
                    sums.update(hashlib.file_digest(f, 'sha256').digest())
    return sums.hexdigest()


def base_image(list_path):
    """The image of the packages alone: its path and its identity. Made once for a list; the list's packages stay as they
    were fetched until the list changes or build/cache is removed."""
    names = read_list(list_path)
    stem = re.sub(r'[^A-Za-z0-9.-]', '_', os.path.basename(list_path).removesuffix('.list'))
    with open(os.path.abspath(__file__)) as f:
        recipe = digest(f.read())
    key = digest(recipe, *sorted(names))
    path = os.path.join(CACHE, f'base-{stem}-{key}.cpio')
    record = path + '.json'
    if not (os.path.exists(path) and os.path.exists(record)):
        os.makedirs(CACHE, exist_ok=True)
        archives = fetch(names, f'image {stem}')
        write_image(build_tree(archives, f'image {stem}'), path)
        with open(record, 'w') as f:
            json.dump({'id': digest(recipe, *sorted(os.path.basename(a) for a in archives))}, f)
        progress.end()
    with open(record) as f:
        return path, json.load(f)['id']


@contextlib.contextmanager
def alone(name):
    """Keeps other processes that make the same thing waiting."""
    os.makedirs(CACHE, exist_ok=True)
    with open(os.path.join(CACHE, name + '.lock'), 'w') as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def make(list_name, extras, output):
    """Makes the image unless it is there already. Gives its path and the identity of its packages."""
    with alone('images'):
        return make_alone(list_name, extras, output)


def make_alone(list_name, extras, output):
    base, identity = base_image(find_list(list_name))
    wanted = digest(base, *(folder_digest(folder) if os.path.isdir(folder) else '' for folder in extras))
    stamp = output + '.made-of'
    if os.path.exists(output) and os.path.exists(stamp) and open(stamp).read() == wanted:
        return output, identity
    tree = read_image(base)
    for folder in extras:
        lay_over(tree, folder)
    os.makedirs(os.path.dirname(output), exist_ok=True)
    write_image(tree, output)
    with open(stamp, 'w') as f:
        f.write(wanted)
    return output, identity
