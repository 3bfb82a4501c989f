/** Characters a line has at least, and at most, where its writer's program broke it. */
const NARROW = 40;
const WIDE = 100;
/** Lines of one paragraph that are joined. */
const MAX_LINES = 12;

const QUOTED = /^(?:[>|]\s?|\s)+/;
const ENDED = /[.!?{}]\s*$/;
/** A line of its own: a list, a prompt, a number, a time, a program or field that speaks. */
const BEGINS = /^(?:[-*•#$%❯~<[{(|+=\d]|[\w.()/-]+(?:\[\d+\])?: |\w{3}\.? +\d+ \d\d:|\S+@\S+|[\w ]+\.{2,} ?:)/;
/** Who goes on in the middle of a sentence does so in lower case, or with a name or an abbreviation. */
const GOES_ON = /^(?:[a-z"'`,;)]|I\b|\w*[A-Z_/]\w*[A-Z_]|\w+[a-z][A-Z])/;

/** Whether a line is one of its own by its first byte alone, as those with a time are. */
export const beginsAnew = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

/** Nothing breaks a line in whose place the next word would have fitted, and what the next line holds fits. */
function isBroken(line: string, next: string): boolean {
  const firstWord = /^\S+/.exec(next)?.[0].length ?? 0;
  return line.length >= NARROW && line.length <= WIDE && line.length + 1 + firstWord > next.length && !ENDED.test(line) && !BEGINS.test(next) && GOES_ON.test(next);
}

/**
 * Takes lines in order and gives back sentences that were broken over several of them, as mail programs, terminals
 * and people do. What is said in one line alone is nothing for it.
 */
export class Paragraphs {
  readonly #take: (text: string, number: number) => void;
  #parts: string[] = [];
  #from = 0;

  /** @param take gets the joined text and the number of its first line */
  constructor(take: (text: string, number: number) => void) {
    this.#take = take;
  }

  line(text: string, number: number): void {
    const own = text.replace(QUOTED, '').trimEnd();
    const last = this.#parts.at(-1);
    if (last !== undefined && this.#parts.length < MAX_LINES && isBroken(last, own)) {
      this.#parts.push(own);
      return;
    }
    this.end();
    this.#parts = [own];
    this.#from = number;
  }

  end(): void {
    if (this.#parts.length > 1) this.#take(this.#parts.join(' '), this.#from);
    this.#parts = [];
  }
}
