"""Runs one of CPython's own test modules and says of each test how it ended.

    python3 cpython.py MODULE SECONDS

Standard output gets a line a test, all else goes to standard error:

    TEST ok | failed | skipped: REASON | expected failure | hangs | crashes: STATUS

The tests run in a child. When it has said nothing for SECONDS, or dies, the test that it was in has failed, and a new child goes on behind it. What is
set up before the first test (of a class, of the module) is a test named after it.
"""
import fcntl
import os
import select
import signal
import sys
import unittest

# What CPython's runner calls resources: not the network, a screen or a sound card.
RESOURCES = ['cpu', 'curses', 'decimal', 'largefile', 'subprocess', 'tzdata', 'walltime']
HIGH_DESCRIPTOR = 200


class Result(unittest.TextTestResult):
    """Says what happens to each test on a pipe, one line a write: "start ID" and "end ID\tHOW"."""

    pipe = None

    def say(self, word, test, how=''):
        line = f'{word} {test.id()}\t{how}'.replace('\n', ' ') + '\n'
        os.write(self.pipe, line.encode(errors='backslashreplace'))

    def startTest(self, test):
        self.bad = False
        self.how = ''
        self.say('start', test)
        super().startTest(test)

    def stopTest(self, test):
        super().stopTest(test)
        self.say('end', test, 'failed' if self.bad else self.how or 'ok')

    def show(self, test, error, kind):
        self.bad = True
        sys.stderr.write(f'\n{kind} {test.id()}\n{self._exc_info_to_string(error, test)}\n')
        sys.stderr.flush()

    def addError(self, test, error):
        super().addError(test, error)
        self.show(test, error, 'ERROR')
        if not isinstance(test, unittest.TestCase):
            self.say('end', test, 'failed')

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.show(test, error, 'FAIL')

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.show(subtest, error, 'SUBTEST')

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.how = f'skipped: {reason}'
        if not isinstance(test, unittest.TestCase):
            self.say('end', test, self.how)

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        self.how = 'expected failure'

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.bad = True


def leave_out(suite, done):
    """The suite without the tests that are done."""
    kept = [leave_out(test, done) if isinstance(test, unittest.TestSuite) else test for test in suite
            if isinstance(test, unittest.TestSuite) or test.id() not in done]
    return type(suite)(kept)


def run_tests(module, done, pipe):
    from test import support
    support.use_resources = RESOURCES
    support.verbose = 1
    Result.pipe = pipe
    try:
        suite = unittest.defaultTestLoader.loadTestsFromName(f'test.{module}')
    except unittest.SkipTest as reason:
        os.write(pipe, f'end {module}\tskipped: {reason}\n'.encode())
        return
    runner = unittest.TextTestRunner(sys.stderr, verbosity=0, resultclass=Result)
    runner.run(leave_out(suite, done))


def child(module, done, pipe):
    os.setpgid(0, 0)
    os.dup2(2, 1)
    # Some tests want consecutive descriptors.
    kept = fcntl.fcntl(pipe, fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR)
    os.close(pipe)
    pipe = kept
    run_tests(module, done, pipe)
    sys.stderr.flush()
    os.write(pipe, b'over\n')


class Watcher:
    """What is known of the tests, from all children together."""

    def __init__(self):
        self.done = set()
        self.current = None

    def take(self, line):
        word, _, rest = line.partition(' ')
        test, _, how = rest.partition('\t')
        if word == 'start':
            self.current = test
        elif word == 'end':
            self.end(test, how)

    def end(self, test, how):
        self.current = None
        if test not in self.done:
            self.done.add(test)
            os.write(1, f'{test} {how}\n'.encode(errors='backslashreplace'))

    def watch(self, pid, pipe, seconds):
        """Follows a child to its end; says whether it ran all tests."""
        data = b''
        over = False
        while True:
            ready, _, _ = select.select([pipe], [], [], seconds)
            more = os.read(pipe, 65536) if ready else b''
            data += more
            *lines, data = data.split(b'\n')
            for line in lines:
                over = over or line == b'over'
                self.take(line.decode(errors='replace'))
            if over or not more:
                break
        # After the last test it may have threads and children to wait for; not longer than a test may take.
        hangs = not over and not ready
        if over:
            hangs = not select.select([pipe], [], [], seconds)[0]
        if hangs:
            os.killpg(pid, signal.SIGKILL)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if self.current:
            self.end(self.current, 'hangs' if hangs else f'crashes: {status}')
        elif hangs or status or not over:
            os.write(1, f'{"(the end)" if over else "(between tests)"} {"hangs" if hangs else f"crashes: {status}"}\n'.encode())
        return over


def main():
    module, seconds = sys.argv[1], int(sys.argv[2])
    watcher = Watcher()
    while True:
        before = len(watcher.done)
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read)
            child(module, watcher.done, write)
            sys.exit(0)
        os.close(write)
        over = watcher.watch(pid, read, seconds)
        os.close(read)
        if over or len(watcher.done) == before:
            return


if __name__ == '__main__':
    main()
