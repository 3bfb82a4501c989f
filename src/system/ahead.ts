import { type ChildProcess, spawn } from 'node:child_process';
import type { RunResult } from './port.ts';
import { hasStarted, killGroup } from './run.ts';

/**
 * What every run on a live machine asks of other programs, started by one shell while the rest of cardcheck is still
 * being loaded: a start from Node stops Node for two to three milliseconds, one from a shell costs a tenth of that.
 * None of them starts a daemon or touches a card. Told apart by program and last argument; one row for each pipe,
 * whose answers come one after the other.
 */
const QUESTIONS = [
  ['gpgconf --list-components', 'gpgconf --list-dirs', 'scdaemon --gpgconf-test'],
  ['gpg --version'],
  ['scdaemon --dump-option-table', 'scdaemon --version'],
  ['pcscd -v'],
];

/** Number of the descriptor of the first row; the standard ones are not used. */
const FIRST_FD = 3;

/**
 * An answer is its command line, a newline and what came to stdout, then the exit status, then stderr, each ended by a
 * NUL. gpgconf says where gpg and scdaemon are (`name:description:path`) and which home is used; pcscd lies where
 * daemons lie. The shell itself looks into these lists, because each fork costs a millisecond. GnuPG's programs may
 * never get past their option files; what then stays without an answer is asked again by who knows better
 * (collect/gnupg-option-file.ts), and all of it ends with cardcheck.
 */
const SCRIPT = `
PATH=$PATH:/usr/sbin:/sbin
ask() {
  echo "$*"
  words=$("$@" 2>&1 >&7); status=$?
  printf '\\0%d\\0%s\\0' $status "$words"
}
answer() { printf '%s\\n%s\\n\\0%d\\0\\0' "$1" "$2" $3; }
newline='
'
line() {
  value=
  case "$newline$1" in *"$newline$2:"*) value="$newline$1"; value=\${value#*"$newline$2:"}; value=\${value%%"$newline"*};; esac
}
place() { line "$components" "$1"; value=\${value#*:}; value=\${value%%:*}; }
passable() { [ -f "$1" ] || ! [ -e "$1" ]; }
ask "$(command -v pcscd)" -v >&6 7>&6 &
components=$(gpgconf --list-components 2>/dev/null)
answer 'gpgconf --list-components' "$components" $? >&3
place scdaemon; scdaemon=$value
place gpg
ask "$value" --no-options --version >&4 7>&4 &
{ ask "$scdaemon" --dump-option-table; ask "$scdaemon" --no-options --version; } >&5 7>&5 &
dirs=$(gpgconf --list-dirs 2>/dev/null)
answer 'gpgconf --list-dirs' "$dirs" $? >&3
line "$dirs" sysconfdir; sysconf=$value
line "$dirs" homedir; home=$value
passable "$sysconf/scdaemon.conf" && passable "$home/scdaemon.conf" && ask "$scdaemon" --homedir "$home" --gpgconf-test >&3 7>&3
wait
`;

/** Characters that are kept of a row; the longest answer, a table of options, has some four thousand. */
const LIMIT = 1024 * 1024;

/** Programs that were started ahead, and their answers. */
export class Ahead {
  /** By question; '' for one that never comes. */
  readonly #answers = new Map<string, Promise<string>>();
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
    for (const [row, questions] of QUESTIONS.entries()) this.#read(FIRST_FD + row, questions);
    process.once('exit', () => this.#end());
  }

  /** The answer of a program that was started ahead; null where it was not, was another of that name, or gave none. */
  async take(program: string, args: readonly string[]): Promise<RunResult | null> {
    const name = program.slice(program.lastIndexOf('/') + 1);
    const answer = await this.#answers.get(`${name} ${args.at(-1)}`);
    const head = `${[program, ...args].join(' ')}\n`;
    if (answer === undefined || !answer.startsWith(head)) return null;
    const [stdout = '', exitCode, stderr = ''] = answer.slice(head.length).split('\0');
    // What the shell itself says of a program that is not there or cannot run (POSIX.1-2017, 2.8.2); who starts it learns which.
    if (exitCode === '126' || exitCode === '127') return null;
    return { exitCode: Number(exitCode), stdout, stderr };
  }

  /** Gives each question of a row its answer as it comes, and an empty one where the row ends before it. */
  #read(fd: number, questions: readonly string[]): void {
    const give: ((answer: string) => void)[] = [];
    for (const question of questions) this.#answers.set(question, new Promise((resolve) => give.push(resolve)));
    // Of a child that could not be started, for want of descriptors, there is none.
    const stream = this.#child.stdio?.[fd] as NodeJS.ReadableStream | null | undefined;
    const giveUp = () => {
      for (const resolve of give.splice(0)) resolve('');
    };
    if (stream == null) return giveUp();
    let text = '';
    stream.setEncoding('utf8').on('data', (piece: string) => {
      if (text.length < LIMIT) text += piece;
      for (let answer = ANSWER.exec(text)?.[0]; answer !== undefined; answer = ANSWER.exec(text)?.[0]) {
        give.shift()?.(answer);
        text = text.slice(answer.length);
      }
    });
    stream.on('end', giveUp).on('error', giveUp);
  }

  #end(): void {
    if (hasStarted(this.#child)) killGroup(this.#child.pid);
  }
}

const ANSWER = /^(?:[^\0]*\0){3}/;
