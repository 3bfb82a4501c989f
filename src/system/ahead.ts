import { type ChildProcess, spawn } from 'node:child_process';
import type { RunResult } from './port.ts';

/**
 * What every run on a live machine asks of other programs, started by one shell while the rest of cardcheck is still
 * being loaded: a start from Node stops Node for two to three milliseconds, one from a shell costs a tenth of that.
 * None of them starts a daemon or touches a card. By program and last argument, which tell them apart.
 */
const QUESTIONS = ['gpgconf --list-components', 'gpgconf --list-dirs', 'gpg --version', 'scdaemon --version', 'scdaemon --dump-option-table', 'scdaemon --gpgconf-test', 'pcscd -v'];

/** Number of the descriptor that carries the first answer; the standard ones are not used. */
const FIRST_FD = 3;
/** An answer is a command line, a newline, and these three, each ended by a NUL: stdout, exit status, stderr. */
const PARTS = 3;

/** gpgconf says where gpg and scdaemon are (`name:description:path`) and which home is used; pcscd lies where daemons lie. */
const SCRIPT = `
PATH=$PATH:/usr/sbin:/sbin
ask() {
  fd=$1; shift
  echo "$*" >&$fd
  words=$("$@" 2>&1 >&$fd); status=$?
  printf '\\0%d\\0%s\\0' $status "$words" >&$fd
}
ask 9 "$(command -v pcscd)" -v &
components=$(gpgconf --list-components 2>/dev/null); status=$?
printf '%s\\n%s\\n\\0%d\\0\\0' 'gpgconf --list-components' "$components" $status >&3
field() { while IFS=: read -r name second third _; do [ "$name" = "$1" ] && eval echo "\\$$2"; done; }
place() { echo "$components" | field "$1" third; }
ask 5 "$(place gpg)" --version &
scdaemon=$(place scdaemon)
ask 6 "$scdaemon" --version &
ask 7 "$scdaemon" --dump-option-table &
dirs=$(gpgconf --list-dirs 2>/dev/null); status=$?
printf '%s\\n%s\\n\\0%d\\0\\0' 'gpgconf --list-dirs' "$dirs" $status >&4
home=$(echo "$dirs" | field homedir second)
ask 8 "$scdaemon" --homedir "$home" --gpgconf-test
wait
`;

/** Characters of an answer that are kept; the longest, a table of options, has some four thousand. */
const LIMIT = 1024 * 1024;

/** Programs that were started ahead, and their answers. */
export class Ahead {
  readonly #answers: ReadonlyMap<string, Promise<string>>;
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['ignore', 'ignore', 'ignore', ...QUESTIONS.map(() => 'pipe' as const)],
      env: { ...process.env, LC_ALL: 'C', LANGUAGE: 'C' },
      // A process group of its own, so that all of it can be ended at once.
      detached: true,
    });
    // Without a shell every answer is empty, and each program is asked in the ordinary way.
    this.#child.on('error', () => {});
    this.#answers = new Map(QUESTIONS.map((question, index) => [question, this.#read(FIRST_FD + index)]));
    process.once('exit', () => this.#end());
  }

  /** The answer of a program that was started ahead; null where it was not, was another of that name, or gave none. */
  async take(program: string, args: readonly string[]): Promise<RunResult | null> {
    const name = program.slice(program.lastIndexOf('/') + 1);
    const answer = await this.#answers.get(`${name} ${args.at(-1)}`);
    const head = `${[program, ...args].join(' ')}\n`;
    if (answer === undefined || !answer.startsWith(head)) return null;
    const [stdout, exitCode, stderr, end] = answer.slice(head.length).split('\0');
    return stdout === undefined || stderr === undefined || end === undefined ? null : { exitCode: Number(exitCode), stdout, stderr };
  }

  /** All that comes through a descriptor up to the end of the answer; the shell's other children may hold it open for longer. */
  #read(fd: number): Promise<string> {
    const stream = this.#child.stdio[fd] as NodeJS.ReadableStream | null | undefined;
    if (stream == null) return Promise.resolve('');
    let text = '';
    return new Promise((resolve) => {
      stream.setEncoding('utf8').on('data', (piece: string) => {
        if (text.length < LIMIT) text += piece;
        if (text.split('\0').length > PARTS) resolve(text);
      });
      stream.on('end', () => resolve(text)).on('error', () => resolve(''));
    });
  }

  #end(): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
}
