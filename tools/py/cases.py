"""Cases: scripts that run in a machine of their image, one after the other, on UX/RT or on Linux.

A case's first lines are comments:

    # shows: what the case shows, one sentence            (required)
    # timeout: seconds of guest time                      (default 10)
    # stdin: one line of standard input                   (default: /dev/null)
    # shell: the interpreter and its arguments            (default /bin/sh)
    # filter: sed -E expression for both outputs          (for what cannot be equal, such as times)
    # image: package list of tools/images                 (default: default)

The script runs in the empty directory /tmp/case, with /tests/bin (tests/guest) and /tests/files (a folder of the caller's) at hand. The cases of an
image run one after the other in one machine, or, if they are many, in one machine a job; the machine is started again when a case brings it
down, and that case has failed. Time is virtual: a limit is guest time, and sleeping costs nothing.

Linux's answers are kept in build/oracle-cache by what they depend on: kernel, machine, packages, init, case and the files it names.
"""
import atexit
import base64
import hashlib
import json
import os
import re
import shutil
import threading
import time

import image
import linux
import machine

GUEST = os.path.join(image.TOP, 'build', 'guest', 'tests')
OVERLAYS = os.path.join(image.TOP, 'build', 'oracle', 'overlay')
LOGS = os.path.join(image.TOP, 'build', 'oracle', 'logs')
ANSWERS = os.path.join(image.TOP, 'build', 'oracle-cache')
DEFAULT_SECONDS = 10
# Of real time: a backstop, far more than it takes on a busy host.
START_SECONDS = 600
# Starting a machine costs as much as some cases do.
CASES_A_MACHINE = 40
TAIL_LINES = 25
# What a console says when something inside the system is wrong, whatever the case itself printed.
ALARM = re.compile(rb'panic|assertion failed|kernel BUG|Oops', re.I)


class Case:
    HEADERS = ('shows', 'timeout', 'stdin', 'shell', 'filter', 'image')

    def __init__(self, name, text):
        self.name, self.text = name, text
        head = {}
        for line in self.text.split('\n'):
            match = re.match(r'# (\w+): (.*)$', line)
            if not line.startswith('#'):
                break
            if match and match.group(1) in self.HEADERS:
                head[match.group(1)] = match.group(2)
        if 'shows' not in head:
            raise image.Problem(f'{name}: the first lines lack "# shows: one sentence"')
        self.shows, self.filter, self.stdin = head['shows'], head.get('filter'), head.get('stdin')
        self.shell = head.get('shell', '/bin/sh').split()
        self.image = head.get('image', 'default')
        try:
            self.seconds = int(head.get('timeout', DEFAULT_SECONDS))
        except ValueError:
            raise image.Problem(f'{name}: "# timeout:" takes a number of seconds')
        self.number = 0

    def key(self, machine_key, files):
        sums = hashlib.sha256(f'{machine_key}\0{self.name}\0{self.text}'.encode())
        todo, done = [self.text.encode()], set()
        while todo:
            for name in sorted(set(re.findall(rb'/tests/(?:bin|files)/[A-Za-z0-9._/-]*[A-Za-z0-9_]', todo.pop())) - done):
                done.add(name)
                path = GUEST + name.decode() if name.startswith(b'/tests/bin') else files + name.decode().removeprefix('/tests/files')
                if os.path.isfile(path):
                    with open(path, 'rb') as f:
                        data = f.read()
                    sums.update(name + hashlib.sha256(data).digest())
                    # A script may use others.
                    todo += [data] if name.startswith(b'/tests/files') else []
        return sums.hexdigest()[:32]


class Result:
    """What a case gave on one kernel. status is a string: a number, "timeout", or "machine" if the machine went down."""

    def __init__(self, status, out=b'', err=b'', console=b'', seconds=0.0):
        self.status, self.out, self.err, self.console, self.seconds = status, out, err, console, seconds


def put(path, text):
    """Writes a file unless it has that text already."""
    try:
        with open(path, newline='') as f:
            if f.read() == text:
                return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w', newline='') as f:
        f.write(text)


def write_overlay(overlay, cases, files):
    """The tree with the list of cases and their scripts, as init expects it."""
    shutil.rmtree(overlay, ignore_errors=True)
    lines = []
    for case in cases:
        script = f'/tests/cases/{case.name}'
        put(overlay + script, case.text)
        stdin = '/dev/null'
        if case.stdin is not None:
            stdin = f'/tests/stdin/{case.name}'
            put(overlay + stdin, case.stdin + '\n')
        lines.append('\t'.join([str(case.number), str(case.seconds), stdin, *case.shell, script]))
    put(overlay + '/tests/list', '\n'.join(lines) + '\n')
    if os.path.isdir(files):
        shutil.copytree(files, overlay + '/tests/files', symlinks=True)


class Group:
    """The cases of one image: what is wanted of them, and the image with all of them, under a name of this process's own so that others
    may make theirs."""

    def __init__(self, name, everything, cases, files):
        self.name, self.cases, self.files = name, cases, files
        self.memory = machine.memory_for(name)
        with image.alone('oracle'):
            overlay = os.path.join(OVERLAYS, name)
            write_overlay(overlay, [case for case in everything if case.image == name], files)
            os.makedirs(GUEST, exist_ok=True)
            made, self.packages = image.make(name, [machine.INIT_ROOT, GUEST, overlay], os.path.join(image.IMAGES, f'tests-{name}.cpio'))
            image.progress.end()
            self.path = os.path.join(image.IMAGES, f'tests-{name}-{os.getpid()}.cpio')
            os.link(made, self.path)
            atexit.register(os.unlink, self.path)

    def machine(self, on_linux, kernel, kernel_args=''):
        return machine.Machine(self.path, on_linux, self.memory, icount=True, kernel=kernel, kernel_args=kernel_args)


def find_groups(everything, cases, files):
    names = sorted({case.image for case in cases}, key=lambda name: (name != 'default', name))
    return [Group(name, everything, [case for case in cases if case.image == name], files) for name in names]


def ranges(numbers):
    """1,2,3,7 as 1-3,7: what init.cases takes."""
    text = []
    start = last = None
    for number in [*sorted(numbers), None]:
        if last is not None and number == last + 1:
            last = number
            continue
        if start is not None:
            text.append(f'{start}-{last}' if last > start else str(start))
        start = last = number
    return ','.join(text)


class Stream:
    """init's frames, cut out of the bytes of the output channel."""

    def __init__(self):
        self.data = bytearray()
        self.need = None

    def feed(self, data):
        """Takes bytes, gives events: ('case', n), ('out', bytes), ('err', bytes), ('status', text), ('end',)."""
        self.data += data
        while True:
            if self.need:
                kind, size = self.need
                if len(self.data) < size:
                    return
                body = bytes(self.data[:size])
                del self.data[:size]
                self.need = None
                yield kind, body
            line, newline, _ = self.data.partition(b'\n')
            if not newline:
                return
            del self.data[:len(line) + 1]
            words = line.decode(errors='replace').split()
            if len(words) == 2 and words[0] in ('out', 'err') and words[1].isdigit():
                self.need = words[0], int(words[1])
            elif len(words) == 2 and words[0] == 'case' and words[1].isdigit():
                yield 'case', int(words[1])
            elif len(words) == 2 and words[0] == 'status':
                yield 'status', words[1]
            elif words == ['end']:
                yield ('end',)


class Batch:
    """Runs cases in a machine, starting it again after each that brings it down."""

    def __init__(self, vm, log_path, report):
        self.vm, self.log_path, self.report = vm, log_path, report
        self.boots = 0
        self.log = b''

    def run(self, cases):
        left = {case.number: case for case in cases}
        fruitless = 0
        with open(self.log_path, 'wb') as log:
            while left:
                before = len(left)
                self.boot(left, log)
                fruitless = fruitless + 1 if len(left) == before else 0
                if fruitless == 2:
                    for number in sorted(left):
                        self.report(left.pop(number), Result('unstarted', console=self.log))
                    return

    def boot(self, left, log):
        self.boots += 1
        run = machine.Run(self.vm, 'init.cases=' + ranges(left))
        stream = Stream()
        current = None
        parts = {}
        console = bytearray()
        began = last = time.monotonic()
        # Linux unpacks its image first; a busy host does a mebibyte of that in a tenth of a second.
        limit = START_SECONDS + os.path.getsize(self.vm.image_path) / (1 << 20)
        try:
            done = False
            while not done:
                found = run.read(0.5)
                if found is None or time.monotonic() - last > limit:
                    break
                # The console first: what it says belongs to the case whose frames came in the same moment.
                for channel, data in sorted(found, key=lambda item: item[0] != 'console'):
                    if channel == 'console':
                        console += data
                        log.write(data)
                        log.flush()
                    elif channel == 'out':
                        for event in stream.feed(data):
                            last = time.monotonic()
                            if event[0] == 'case':
                                current, parts, began = left.get(event[1]), {}, last
                                limit = 30 + 5 * current.seconds if current else START_SECONDS
                            elif event[0] == 'status' and current:
                                result = Result(event[1], parts.get('out', b''), parts.get('err', b''), bytes(console), last - began)
                                del left[current.number]
                                self.report(current, result)
                                current = None
                                console.clear()
                            elif event[0] == 'end':
                                done = True
                            elif event[0] in ('out', 'err'):
                                parts[event[0]] = event[1]
        finally:
            for channel, data in run.drain():
                if channel == 'console':
                    console += data
                    log.write(data)
            said = run.close(patience=1 if done else 0)
            if said.strip() and 'terminating on signal' not in said:
                console += b'\nQEMU said: ' + said.encode()
        self.log = bytes(console)
        if current:
            del left[current.number]
            self.report(current, Result('machine', console=bytes(console), seconds=time.monotonic() - began))


def cut(cases, jobs):
    """The cases of a group as shares, one a machine."""
    size = -(-len(cases) // min(jobs, -(-len(cases) // CASES_A_MACHINE)))
    return [cases[start:start + size] for start in range(0, len(cases), size)]


def run_cases(batches, name, jobs, report):
    """Runs batches, (machine, cases), on so many machines at a time."""
    os.makedirs(LOGS, exist_ok=True)
    lock = threading.Lock()
    waiting = list(enumerate(batches))
    errors = []

    def locked(case, result):
        with lock:
            report(case, result)

    def work():
        while True:
            with lock:
                if not waiting or errors:
                    return
                index, (vm, cases) = waiting.pop(0)
            try:
                Batch(vm, os.path.join(LOGS, f'{name}-{index}.log'), locked).run(cases)
            except image.Problem as problem:
                errors.append(problem)

    threads = [threading.Thread(target=work) for _ in range(min(jobs, len(batches)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def load_answer(path):
    try:
        with open(path) as f:
            kept = json.load(f)
        return Result(kept['status'], base64.b64decode(kept['out']), base64.b64decode(kept['err']))
    except (FileNotFoundError, ValueError, KeyError):
        return None


def keep_answer(path, case, result):
    os.makedirs(ANSWERS, exist_ok=True)
    new = f'{path}.{os.getpid()}'
    with open(new, 'w') as f:
        json.dump({'case': case.name, 'status': result.status, 'out': base64.b64encode(result.out).decode(),
                   'err': base64.b64encode(result.err).decode()}, f)
    os.rename(new, path)


def answer_paths(group, vm):
    """Where Linux's answers to a group's cases are kept, by case number."""
    with open(os.path.join(machine.INIT_ROOT, 'init'), 'rb') as f:
        init = hashlib.file_digest(f, 'sha256').hexdigest()
    machine_key = f'{os.path.basename(vm.kernel)}\0{vm.cpu}\0{vm.memory}\0{vm.command_line("")}\0{group.packages}\0{init}'
    return {case.number: os.path.join(ANSWERS, case.key(machine_key, group.files)) for case in group.cases}


def linux_answers(groups, jobs, afresh=False, shares=cut):
    """Linux's results by case number, from the cache or from Linux; shares says which cases share a machine."""
    kernel = linux.kernel()
    answers, paths, batches = {}, {}, []
    for group in groups:
        vm = group.machine(True, kernel)
        paths |= answer_paths(group, vm)
        missing = []
        for case in group.cases:
            kept = None if afresh else load_answer(paths[case.number])
            if kept:
                answers[case.number] = kept
            else:
                missing.append(case)
        batches += [(vm, share) for share in shares(missing, jobs)] if missing else []

    def report(case, result):
        answers[case.number] = result
        if result.status not in ('machine', 'unstarted'):
            keep_answer(paths[case.number], case, result)
        print(f'linux {case.name}: status {result.status}', flush=True)

    if batches:
        asked, known = sum(len(cases) for _, cases in batches), len(answers)
        print(f'asking Linux about {asked} of {asked + known} cases', flush=True)
        run_cases(batches, 'linux', jobs, report)
    return answers


def tail(console):
    lines = console.decode(errors='replace').replace('\r', '').rstrip().split('\n')
    return ['  the end of the console:', *('    ' + line for line in lines[-TAIL_LINES:])]
