"""A terminal's screen: what a VT100 shows after the bytes it was sent. Enough of ECMA-48 for readline and full-screen programs.

It serves tests/oracle/screens on the host and tests/oracle/files/drive in the guest."""
import re

SEQUENCE = re.compile(rb'\x1b(?:\[([?>]?)([0-9;]*)([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-Za-z]|([=>78DEMcHZ]))')
PARTIAL = re.compile(rb'\x1b(?:\[[?>]?[0-9;]*|\][^\x07\x1b]*\x1b?|[()])?$')


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows = columns, rows
        self.lines = [[' '] * columns for _ in range(rows)]
        self.x = self.y = 0
        self.top, self.bottom = 0, rows - 1
        self.saved = (0, 0)
        # A character in the last column leaves the cursor there; the next one wraps.
        self.wrap = False
        self.pending = b''
        # What was printed, in order: characters and line feeds.
        self.printed = ''
        # The lines behind the alternate screen, and what the terminal has to answer.
        self.behind = None
        self.replies = []

    def keep_from_last_line(self):
        """Forgets what stands above the cursor's line, so that boot messages are not compared."""
        line = self.lines[self.y]
        self.lines = [line] + [[' '] * self.columns for _ in range(self.rows - 1)]
        self.y = 0

    def resize(self, columns, rows):
        self.lines = [(line + [' '] * columns)[:columns] for line in self.lines[:rows]]
        self.lines += [[' '] * columns for _ in range(rows - len(self.lines))]
        self.columns, self.rows, self.top, self.bottom = columns, rows, 0, rows - 1
        self.move(self.x, self.y)

    def answers(self):
        """What is to be sent back to the program, once."""
        replies, self.replies = self.replies, []
        return replies

    def text(self):
        """The screen, a line each, then the cursor's place."""
        shown = '\n'.join(''.join(line).rstrip() for line in self.lines).rstrip('\n')
        return f'{shown}\n[cursor {self.y},{self.x}]'

    def feed(self, data):
        data = self.pending + data
        self.pending = b''
        position = 0
        while position < len(data):
            byte = data[position]
            if byte == 0x1b:
                match = SEQUENCE.match(data, position)
                if match:
                    self.sequence(match)
                    position = match.end()
                    continue
                if PARTIAL.match(data[position:]):
                    self.pending = data[position:]
                    return
            elif byte >= 0x80:
                # A UTF-8 character may be cut at the end of what has come.
                size = 2 if byte < 0xe0 else 3 if byte < 0xf0 else 4
                if position + size > len(data):
                    self.pending = data[position:]
                    return
                self.put(data[position:position + size].decode(errors='replace')[0])
                position += size
                continue
            else:
                self.control(byte) if byte < 0x20 else self.put(chr(byte)) if byte != 0x7f else None
            position += 1

    def put(self, character):
        self.printed += character
        if self.wrap:
            self.x = 0
            self.line_feed()
            self.wrap = False
        self.lines[self.y][self.x] = character
        if self.x == self.columns - 1:
            self.wrap = True
        else:
            self.x += 1

    def control(self, byte):
        if byte == 8:
            self.x = max(self.x - 1, 0)
        elif byte == 9:
            self.x = min((self.x // 8 + 1) * 8, self.columns - 1)
        elif byte in (10, 11, 12):
            self.printed += '\n'
            self.line_feed()
        elif byte == 13:
            self.x = 0
        if byte in (8, 9, 10, 11, 12, 13):
            self.wrap = False

    def line_feed(self):
        if self.y == self.bottom:
            self.scroll_up(self.top)
        elif self.y < self.rows - 1:
            self.y += 1

    def scroll_up(self, row):
        del self.lines[row]
        self.lines.insert(self.bottom, [' '] * self.columns)

    def scroll_down(self, row):
        del self.lines[self.bottom]
        self.lines.insert(row, [' '] * self.columns)

    def move(self, x, y):
        self.x = min(max(x, 0), self.columns - 1)
        self.y = min(max(y, 0), self.rows - 1)
        self.wrap = False

    def sequence(self, match):
        private, numbers, final, single = match.groups()
        if single:
            self.single(single)
        elif final and private == b'?' and final in b'hl':
            if {b'47', b'1047', b'1049'} & set(numbers.split(b';')):
                self.alternate(final == b'h')
        elif final and not private:
            values = [int(n) if n else 0 for n in numbers.split(b';')]
            self.csi(final.decode(), values[0], values)

    def alternate(self, on):
        if on and self.behind is None:
            self.behind = self.lines, self.x, self.y
            self.lines = [[' '] * self.columns for _ in range(self.rows)]
        elif not on and self.behind is not None:
            self.lines, x, y = self.behind
            self.behind = None
            self.resize(self.columns, self.rows)
            self.move(x, y)

    def single(self, name):
        if name == b'7':
            self.saved = self.x, self.y
        elif name == b'8':
            self.move(*self.saved)
        elif name == b'D':
            self.line_feed()
        elif name == b'E':
            self.x = 0
            self.line_feed()
        elif name == b'M':
            if self.y == self.top:
                self.scroll_down(self.top)
            else:
                self.move(self.x, self.y - 1)
        elif name == b'c':
            printed = self.printed
            self.__init__(self.columns, self.rows)
            self.printed = printed

    def erase(self, row, start, end):
        self.lines[row][start:end] = [' '] * (end - start)

    def csi(self, name, first, values):
        count = max(first, 1)
        line = self.lines[self.y]
        if name in 'ABCD':
            dx, dy = {'A': (0, -1), 'B': (0, 1), 'C': (1, 0), 'D': (-1, 0)}[name]
            self.move(self.x + dx * count, self.y + dy * count)
        elif name in 'Hf':
            self.move((values[1] if len(values) > 1 and values[1] else 1) - 1, count - 1)
        elif name in 'G`':
            self.move(count - 1, self.y)
        elif name == 'd':
            self.move(self.x, count - 1)
        elif name == 'K':
            self.erase(self.y, *{0: (self.x, self.columns), 1: (0, self.x + 1), 2: (0, self.columns)}.get(first, (0, 0)))
        elif name == 'J':
            self.erase_screen(first)
        elif name == 'P':
            del line[self.x:self.x + count]
            line += [' '] * (self.columns - len(line))
        elif name == '@':
            line[self.x:self.x] = [' '] * count
            del line[self.columns:]
        elif name == 'X':
            self.erase(self.y, self.x, min(self.x + count, self.columns))
        elif name in 'LM' and self.top <= self.y <= self.bottom:
            for _ in range(min(count, self.rows)):
                (self.scroll_down if name == 'L' else self.scroll_up)(self.y)
        elif name == 'S':
            for _ in range(min(count, self.rows)):
                self.scroll_up(self.top)
        elif name == 'T':
            for _ in range(min(count, self.rows)):
                self.scroll_down(self.top)
        elif name == 'c':
            self.replies.append(b'\x1b[?1;2c')
        elif name == 'n' and first == 6:
            self.replies.append(b'\x1b[%d;%dR' % (self.y + 1, self.x + 1))
        elif name == 'r':
            self.top, self.bottom = count - 1, (values[1] if len(values) > 1 and values[1] else self.rows) - 1
            self.move(0, 0)

    def erase_screen(self, how):
        if how == 0:
            self.erase(self.y, self.x, self.columns)
        elif how == 1:
            self.erase(self.y, 0, self.x + 1)
        rows = {0: range(self.y + 1, self.rows), 1: range(self.y), 2: range(self.rows)}.get(how, ())
        for row in rows:
            self.erase(row, 0, self.columns)
