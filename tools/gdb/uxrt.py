"""UX/RT for gdb: loads the kernel's symbols, connects to QEMU, and adds commands that know the kernel's structures.

    gdb -x tools/gdb/uxrt.py            with `make debug` running in another terminal; `help uxrt` lists the commands

The structures are read with gdb's own types: nothing here repeats a layout, but for x86 page-table entries and the bits of a capability's
first word (kernel/cap.h).
"""
import os

import gdb

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('UXRT_BUILD', os.path.join(TOP, 'build', 'gcc-debug'))
PORT = os.environ.get('UXRT_PORT', '1234')

PHYSMAP = 0xffff800000000000
GATE_BASE, GATE_END = 0xffffff0000000000, 0xffffff8000000000
CPTR_SYSTEM = 0x80000000
ROOTS = 16 + 64  # ROOT_SLOT_UNTYPED + BOOT_UNTYPED_MAX of abi/boot.h
PRESENT, WRITE, USER, LARGE, NX = 1, 2, 4, 128, 1 << 63
ADDRESS = 0x000ffffffffff000
CAP_VALUE_SHIFT, CAP_SIZE_SHIFT, CAP_DEPTH_SHIFT, CAP_RIGHTS_SHIFT = 24, 16, 8, 6
MASK = (1 << 64) - 1


def value(expression):
    return gdb.parse_and_eval(expression)


def enum_name(name, number, prefix):
    """The name of an enumerator, without its prefix."""
    for field in gdb.lookup_type('enum ' + name).fields():
        if field.enumval == number and field.name.startswith(prefix):
            return field.name[len(prefix):].lower()
    return str(number)


def word(address):
    return int.from_bytes(bytes(gdb.selected_inferior().read_memory(address, 8)), 'little')


def pointer(kind, address):
    return gdb.Value(address).cast(gdb.lookup_type(kind).pointer())


def members(head, kind, field):
    """The entries of a struct list_node list."""
    offset = next(f.bitpos // 8 for f in gdb.lookup_type(kind).fields() if f.name == field)
    start, at = int(head.address), int(head['next'])
    while at and at != start:
        yield pointer(kind, at - offset).dereference()
        at = int(pointer('struct list_node', at)['next'])


def capabilities():
    """Every capability of the system but Replies. Each root of the derivation forest, in root's CNode, heads a list in preorder."""
    cnode = value("'kernel/boot.c'::root_cnode")
    seen = set()
    for i in range(1, ROOTS) if int(cnode) else ():
        at = cnode['slot'][i].address
        while int(at) and int(at) not in seen and int(at['word']) & 0x3f:
            seen.add(int(at))
            yield at.dereference()
            at = at['next']


def cap_type(slot):
    return enum_name('object_type', int(slot['word']) & 0x3f, 'OBJECT_')


def cap_text(slot):
    bits = int(slot['word'])
    text = f'{cap_type(slot):13} object {int(slot["object"]):#x} rights {bits >> CAP_RIGHTS_SHIFT & 3}'
    text += f' depth {bits >> CAP_DEPTH_SHIFT & 0xff} value {bits >> CAP_VALUE_SHIFT:#x}'
    return text + f' size 2^{bits >> CAP_SIZE_SHIFT & 0xff}'


def threads():
    seen = set()
    for slot in capabilities():
        address = int(slot['object'])
        if cap_type(slot) == 'thread' and address not in seen:
            seen.add(address)
            yield pointer('struct thread', address).dereference()


def current():
    return value('cores[0].current').dereference()


def principal(thread):
    """Who it is: the word that root set, less its charge."""
    return int(thread['principal']) & (1 << 48) - 1


def the_thread(argument):
    """A thread by address or principal; none: the current one."""
    if not argument.strip():
        return current()
    wanted = int(value(argument)) & MASK
    for thread in threads():
        if wanted in (int(thread.address), principal(thread)):
            return thread
    raise gdb.GdbError(f'no thread has address or principal {wanted:#x}')


def walk(top, address):
    """The entries on the way to an address: [(level, entry)], last-level or large one last; the physical address or None."""
    table, found = top, []
    for level in (3, 2, 1, 0):
        entry = word(table + 8 * (address >> (12 + 9 * level) & 511))
        found.append((level, entry))
        if not entry & PRESENT:
            return found, None
        if level == 0 or entry & LARGE:
            low = (1 << (12 + 9 * level)) - 1
            return found, (entry & ADDRESS & ~low) | (address & low)
        table = PHYSMAP + (entry & ADDRESS)
    return found, None


def user_word(thread, address):
    """A word of a thread's memory; None if it is not mapped."""
    if not int(thread['space']) or address % 8:
        return None
    _, physical = walk(PHYSMAP + int(thread['space']['top_address']), address)
    return None if physical is None else word(PHYSMAP + physical)


def symbol(address):
    text = gdb.execute(f'info symbol {address:#x}', to_string=True).strip()
    return '' if text.startswith('No symbol') else text.split(' in section')[0]


class UxrtPrefix(gdb.Command):
    """Commands that know UX/RT's structures."""

    def __init__(self):
        super().__init__('uxrt', gdb.COMMAND_USER, gdb.COMPLETE_NONE, True)


class Command(gdb.Command):
    def __init__(self):
        super().__init__("uxrt " + self.NAME, gdb.COMMAND_USER)

    def invoke(self, argument, from_tty):
        try:
            self.run(argument)
        except gdb.MemoryError as error:
            raise gdb.GdbError(f'{error} (has the kernel started?)')


class Threads(Command):
    """All threads: principal, state, what each waits for, where its program is. * marks the current one."""
    NAME = 'threads'

    def run(self, argument):
        here = int(current().address)
        for t in threads():
            state = enum_name('thread_state', int(t['state']), 'THREAD_')
            wait = ''
            if state in ('sending', 'reply', 'receiving'):
                wait = f' endpoint {int(t["endpoint"]):#x}'
            elif state == 'waiting':
                wait = f' notification {int(t["notification"]):#x}'
            if int(t['fault']):
                wait += f' page fault at {int(t["fault_words"][0]):#x}'
            if int(t['stopped']):
                state += ',stopped'
            rip = int(t['frame']['rip'])
            mark = '*' if int(t.address) == here else ' '
            print(f'{mark} {int(t.address):#x} principal {principal(t):#x} priority {int(t["priority"])} {state}{wait}'
                  f' rip {rip:#x} {symbol(rip)}')


class Frame(Command):
    """uxrt frame [THREAD]: its saved registers, and those of its program if it is in the gate."""
    NAME = 'frame'

    def run(self, argument):
        t = the_thread(argument)
        print(f'thread {int(t.address):#x}, saved by the kernel:')
        self.show(t['frame'])
        rip = int(t['frame']['rip'])
        if GATE_BASE <= rip < GATE_END and int(t['context']):
            print(f'in the gate; program\'s return address {int(t["context"]["return_rip"]):#x}, its last full frame:')
            self.show(t['context']['program'])

    def show(self, frame):
        names = [f.name for f in frame.type.fields()]
        for i in range(0, len(names), 4):
            print('  ' + ' '.join(f'{n:8}{int(frame[n]):016x}' for n in names[i:i + 4]))


class Backtrace(Command):
    """uxrt bt [THREAD]: the user half's backtrace by frame pointers, through its page tables. See uxrt symbols."""
    NAME = 'bt'

    def run(self, argument):
        t = the_thread(argument)
        rip, rbp = int(t['frame']['rip']), int(t['frame']['rbp'])
        for depth in range(64):
            print(f'#{depth:<3} {rip:#018x} {symbol(rip)}')
            rip, following = user_word(t, rbp + 8), user_word(t, rbp)
            if not rip or following is None:
                return
            if following <= rbp:
                print(f'#{depth + 1:<3} {rip:#018x} {symbol(rip)}')
                return
            rbp = following


class Caps(Command):
    """uxrt caps [THREAD]: what is in its files and system CNodes."""
    NAME = 'caps'

    def run(self, argument):
        t = the_thread(argument)
        for name, base in (('files_cnode', 0), ('system_cnode', CPTR_SYSTEM)):
            if not int(t[name]['object']):
                print(f'{name}: none')
                continue
            cnode = pointer('struct cnode', int(t[name]['object'])).dereference()
            print(f'{name}: {int(cnode["slots"])} slots')
            for i in range(int(cnode['slots'])):
                slot = cnode['slot'][i]
                if int(slot['word']) & 0x3f:
                    print(f'  {base + i:#10x} {cap_text(slot)}')


class Tree(Command):
    """uxrt tree [TYPE]: the derivation tree of all capabilities, or those of one type."""
    NAME = 'tree'

    def run(self, argument):
        for slot in capabilities():
            if argument.strip() in ('', cap_type(slot)):
                depth = int(slot['word']) >> CAP_DEPTH_SHIFT & 0xff
                print(f'{"  " * depth}{int(slot.address):#x} {cap_text(slot)}')


class Endpoint(Command):
    """uxrt endpoint ADDRESS: who is queued on it and whose answer is outstanding."""
    NAME = 'endpoint'

    def run(self, argument):
        e = pointer('struct endpoint', int(value(argument)) & MASK).dereference()
        print(f'endpoint id {int(e["id"])}, capabilities {int(e["caps"])}')
        kind = 'receiving' if int(e['receiving']) else 'sending'
        for field, text in (('queue', kind), ('replies', 'waiting for the answer')):
            for t in members(e[field], 'struct thread', 'queue'):
                print(f'  {text}: thread {int(t.address):#x} principal {principal(t):#x}')
        for h in members(e['closed'], 'struct handle', 'closed'):
            print(f'  closed, not received yet: handle {int(h.address):#x} badge {int(h["badge"]):#x}')


class Queues(Command):
    """Each core's run queues and threads with a deadline."""
    NAME = 'queues'

    def run(self, argument):
        for number in range(int(value('core_count'))):
            print(f'core {number}:')
            self.show(value(f'cores[{number}]').dereference())

    def show(self, core):
        for priority in range(255, -1, -1):
            for t in members(core['queue'][priority], 'struct thread', 'queue'):
                print(f'  ready {priority:3}: thread {int(t.address):#x} principal {principal(t):#x}')
        if int(core['handoff']):
            print(f'  next: thread {int(core["handoff"]):#x}')
        for t in members(core['timers'], 'struct thread', 'timer'):
            print(f'  deadline {int(t["deadline"])} ns: thread {int(t.address):#x} principal {principal(t):#x}')


class Objects(Command):
    """Live objects and bytes by type."""
    NAME = 'objects'

    def run(self, argument):
        counts, sizes = value('object_count'), value('object_bytes')
        for i in range(counts.type.range()[1] + 1):
            if int(counts[i]):
                print(f'{enum_name("object_type", i, "OBJECT_"):14} {int(counts[i]):8} {int(sizes[i]):12} bytes')
        print(f'pages counted  {int(value("frames_counted_total")):8}')


class Pages(Command):
    """uxrt pages ADDRESS [THREAD]: the page-table entries on the way to an address."""
    NAME = 'pages'

    def run(self, argument):
        words = argument.split(None, 1)
        if not words:
            raise gdb.GdbError('uxrt pages ADDRESS [THREAD]')
        address = int(value(words[0])) & MASK
        t = the_thread(words[1] if len(words) > 1 else '')
        if not int(t['space']):
            raise gdb.GdbError('the thread has no address space')
        entries, physical = walk(PHYSMAP + int(t['space']['top_address']), address)
        for level, entry in entries:
            flags = ''.join(c for c, bit in (('p', PRESENT), ('w', WRITE), ('u', USER), ('L', LARGE), ('n', NX)) if entry & bit)
            print(f'  level {level + 1}: {entry:#018x} {flags}')
        if physical is None:
            print('not mapped')
            return
        limit, page = int(value('frame_limit')), physical >> 12
        count = int(value('frame_count')[page]) if page < limit else 'none'
        print(f'physical {physical:#x}, count {count}; for gdb: {PHYSMAP + physical:#x}')


class Trace(Command):
    """uxrt trace [N]: the last N events (default 40) of the trace ring; boot with trace=syscall,ipc,fault,switch,irq,user."""
    NAME = 'trace'

    def run(self, argument):
        ring, following = value("'kernel/trace.c'::ring"), int(value("'kernel/trace.c'::next"))
        size = ring.type.range()[1] + 1
        classes = value("'kernel/trace.c'::classes")
        names = {int(classes[i]['class']): classes[i]['name'].string() for i in range(classes.type.range()[1] + 1)}
        for n in range(max(0, following - min(size, int(argument or 40))), following):
            e = ring[n % size]
            print(f'{int(e["ns"]):14} ns {names.get(int(e["class"]), "?"):8} thread {int(e["principal"]):#x}'
                  f' {int(e["a"]):#x} {int(e["b"]):#x}')


class Symbols(Command):
    """uxrt symbols root|runtime|SERVER: that part's symbols beside the kernel's. Root and the runtime lie at the same address: one of them."""
    NAME = 'symbols'

    def run(self, argument):
        name = argument.strip()
        for path in (f'{name}.elf', f'servers/{name}.elf'):
            path = os.path.join(BUILD, path)
            if os.path.exists(path):
                for other in ('root', 'runtime'):
                    if name in ('root', 'runtime') and other != name:
                        self.forget(other)
                gdb.execute(f'add-symbol-file {path}', to_string=True)
                print(f'symbols of {path}')
                return
        raise gdb.GdbError(f'{BUILD} has no {name}.elf')

    def forget(self, name):
        for objfile in gdb.objfiles():
            if objfile.filename and objfile.filename.endswith(f'/{name}.elf'):
                gdb.execute(f'remove-symbol-file "{objfile.filename}"', to_string=True)


def start():
    gdb.execute('set pagination off')
    gdb.execute('set confirm off')
    gdb.execute('set architecture i386:x86-64', to_string=True)
    kernel = os.path.join(BUILD, 'uxrt.elf')
    if not os.path.exists(kernel):
        print(f'there is no {kernel}: run make')
        return
    gdb.execute(f'file {kernel}')
    try:
        gdb.execute(f'target remote localhost:{PORT}')
    except gdb.error as error:
        print(f'{error}\nStart the machine with `make debug` in another terminal, then: target remote localhost:{PORT}')
        return
    print('Connected. Before the kernel has set up its pages use hardware breakpoints: hbreak kernel_main, then continue.')


UxrtPrefix()
for command in Command.__subclasses__():
    command()
start()
