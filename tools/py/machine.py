"""A QEMU machine that runs UX/RT or Linux, with the same processor, memory, devices and root image for both.

Serial ports: COM1 is the console; COM2 (stdout), COM3 (stderr) and COM4 (control) are raw channels that tests/guest/init.c writes to.
"""
import os
import re
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

import image
import linux

CPU = 'max,-la57,-pku'
MEMORY_MIB = 512
# Of a q35 machine's memory 2048 MiB lie below 4 GiB, or all if there is less than 2816; QEMU puts the kernel and the image there.
LOW_MEMORY_MIB, LOW_MEMORY_MAX_MIB, LOADER_MIB = 2048, 2815, 24
# What Linux copies of boot_info.command_line's size and its own limit leave.
COMMAND_LINE_MAX = {False: 1023, True: 2047}
UXRT = os.path.join(image.TOP, 'build', 'gcc-debug', 'uxrt.elf')
INIT_ROOT = os.path.join(image.TOP, 'build', 'guest', 'root')
NEWC = b'070701'
SAFE = re.compile(rb'[A-Za-z0-9/._=+:@-]')


def encode_arguments(arguments):
    """Arguments as init.argv has them: separated by commas, unusual bytes as %XX."""
    def encode(argument):
        return ''.join(chr(byte) if SAFE.match(bytes([byte])) else f'%{byte:02x}' for byte in os.fsencode(argument))
    return ','.join(encode(argument) for argument in arguments)


def memory_for(list_name):
    """The memory in MiB that a package list wants for its machines: its line "# memory: MiB", if it has one."""
    with open(image.find_list(list_name)) as f:
        said = re.search(r'^# memory: (\d+)$', f.read(), re.M)
    return int(said.group(1)) if said else MEMORY_MIB


class Machine:
    """What to boot, and how. `image_path` may be None: a kernel without a root image."""

    def __init__(self, image_path, on_linux=False, memory=MEMORY_MIB, cores=1, cpu=CPU, icount=False, kernel_args='', qemu_args=(),
                 kernel=None, init=None, check_memory=True):
        self.image_path, self.on_linux, self.memory, self.cores, self.cpu = image_path, on_linux, memory, cores, cpu
        self.icount, self.kernel_args, self.qemu_args, self.init = icount, kernel_args, list(qemu_args), init
        self.check_memory = check_memory
        self.kernel = kernel or (linux.kernel() if on_linux else UXRT)

    def check(self):
        if not shutil.which('qemu-system-x86_64'):
            raise image.Problem('qemu-system-x86_64 is not installed; run tools/deps')
        if not os.path.exists(self.kernel):
            raise image.Problem(f'there is no kernel at {os.path.relpath(self.kernel)}; run make')
        if self.icount and self.on_linux and self.cores > 1:
            raise image.Problem('Linux with several cores does not come through its start under -icount (QEMU 7.2); use --icount without --smp')
        if self.image_path:
            with open(self.image_path, 'rb') as f:
                if f.read(len(NEWC)) != NEWC:
                    raise image.Problem(f'{self.image_path} is no newc archive; make one with tools/mkimage')
        if self.image_path and self.check_memory:
            need = os.path.getsize(self.image_path) >> 20
            # Linux unpacks the image into a file system beside it.
            # The tables of pages take a 200th of the memory.
            least = need * 2 + 64 if self.on_linux else need + 12 + need // 64
            if self.memory < least:
                raise image.Problem(f'{self.memory} MiB of memory is too little for this {need} MiB image; use --mem {least} or more')
            if self.memory > LOW_MEMORY_MAX_MIB and need + LOADER_MIB > LOW_MEMORY_MIB:
                raise image.Problem(f'QEMU loads images into the memory below 4 GiB, which is {LOW_MEMORY_MIB} MiB with --mem {self.memory}; '
                                    f'use --mem {LOW_MEMORY_MAX_MIB} for this {need} MiB image, or take packages out of its list')
            if need + LOADER_MIB > LOW_MEMORY_MAX_MIB:
                raise image.Problem(f'QEMU loads images of at most {LOW_MEMORY_MAX_MIB - LOADER_MIB} MiB and this one has {need}; '
                                    'take packages out of its list')

    def command_line(self, parameters):
        words = []
        if self.on_linux:
            words = ['console=ttyS0', 'quiet', 'loglevel=3', 'panic=-1', '8250.nr_uarts=4', 'random.trust_cpu=on']
        if self.init:
            words.append(('rdinit=' if self.on_linux else 'init=') + self.init)
        words += [parameters, self.kernel_args]
        line = ' '.join(word for word in words if word)
        limit = COMMAND_LINE_MAX[self.on_linux]
        if len(line) > limit:
            raise image.Problem(f'the command is too long: it needs {len(line)} bytes on the kernel command line and {limit} fit; '
                                'put it into a script in a directory and give that with --extra')
        return line

    def arguments(self, parameters):
        self.check()
        # QEMU must not outlive who reads its channels, however that ends.
        command = ['setpriv', '--pdeathsig', 'KILL', 'qemu-system-x86_64', '-nodefaults', '-no-user-config', '-display', 'none', '-machine', 'q35', '-no-reboot',
                   '-m', str(self.memory), '-smp', str(self.cores), '-cpu', self.cpu, '-device', 'isa-debug-exit,iobase=0xf4,iosize=0x04',
                   '-kernel', self.kernel, '-append', self.command_line(parameters)]
        # Counted, several cores run one after the other in one thread: a core until it sleeps, pauses, or has had its turn. So counts still repeat, but
        # nothing runs at the same time: the time of an operation holds what the other cores executed in between. Asleep all, time jumps to the next timer.
        if self.icount:
            command += ['-accel', 'tcg,thread=single', '-icount', 'shift=0,sleep=off']
        else:
            command += ['-accel', 'tcg,thread=multi']
        if self.image_path:
            command += ['-initrd', self.image_path]
        return command + self.qemu_args


class Run:
    """A running machine whose channels are read here. Channel names: console, out, err, control."""

    CHANNELS = ('console', 'out', 'err', 'control')

    def __init__(self, machine, parameters):
        self.folder = tempfile.mkdtemp(prefix='uxrt-')
        self.selector = selectors.DefaultSelector()
        command = machine.arguments(parameters)
        ends = []
        for name in self.CHANNELS:
            read, write = os.pipe()
            os.set_blocking(read, False)
            self.selector.register(read, selectors.EVENT_READ, name)
            ends.append(write)
            command += ['-chardev', f'file,id={name},path=/dev/fd/{write}', '-serial', f'chardev:{name}']
        self.messages = open(os.path.join(self.folder, 'qemu'), 'w+b')
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.messages, stderr=self.messages, pass_fds=ends,
                                        start_new_session=True)
        for end in ends:
            os.close(end)
        self.started = time.monotonic()

    def read(self, timeout):
        """What came within timeout seconds: [(channel, bytes)]; None once all channels are closed."""
        if not self.selector.get_map():
            return None
        found = []
        for key, _ in self.selector.select(timeout):
            try:
                data = os.read(key.fd, 1 << 16)
            except BlockingIOError:
                continue
            if data:
                found.append((key.data, data))
            else:
                self.selector.unregister(key.fd)
                os.close(key.fd)
        return found

    def drain(self):
        """What is in the channels now."""
        found = []
        while True:
            more = self.read(0)
            if not more:
                return found
            found += more

    def close(self, patience=0):
        """Ends the machine, after giving it patience seconds to end itself. Returns what QEMU said."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for key in list(self.selector.get_map().values()):
            os.close(key.fd)
        self.selector.close()
        self.messages.seek(0)
        said = self.messages.read().decode(errors='replace')
        self.messages.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        return said
