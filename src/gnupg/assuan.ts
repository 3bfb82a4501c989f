/** The Assuan protocol's client side as far as asking needs it (libassuan manual, "Client requests" and "Server responses"). */

export interface AssuanReply {
  ok: boolean;
  /** gpg-error number of an ERR; 0 with OK. The low 16 bits are the code, the high 8 its source. */
  error: number;
  /** Text after OK or ERR NUMBER. */
  text: string;
  /** Status lines without their `S `. */
  status: string[];
  /** Data lines, unescaped and joined. */
  data: string;
}

/** GPG_ERR_CARD_NOT_PRESENT (libgpg-error err-codes.h): what scdaemon 2.4 answers when no card is open. */
export const CARD_NOT_PRESENT = 112;
export const errorCode = (reply: AssuanReply): number => reply.error & 0xffff;

/** A server that goes on longer than this with one reply is none. */
const REPLY_LIMIT = 64 * 1024;

/** Puts the lines of a server together to replies. Bytes may be cut anywhere. */
export class AssuanReplies {
  #pending = '';
  #status: string[] = [];
  #data = '';
  #size = 0;

  /**
   * @returns the replies that became complete; `inquiry` when the server wants something and waits for it
   * @throws Error when a reply exceeds 64 KiB or is no Assuan
   */
  push(chunk: string): (AssuanReply | 'inquiry')[] {
    this.#size += chunk.length;
    if (this.#size > REPLY_LIMIT) throw new Error('the reply is longer than 64 KiB');
    this.#pending += chunk;
    // A line that comes byte by byte is not looked through again each time.
    if (!chunk.includes('\n')) return [];
    const lines = this.#pending.split('\n');
    this.#pending = lines.pop() as string;
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): AssuanReply | 'inquiry' | undefined {
    const [word = '', ...rest] = line.split(' ');
    const text = rest.join(' ');
    switch (word) {
      case 'OK':
        return this.#complete(true, 0, text);
      case 'ERR':
        return this.#complete(false, Number(/^\d{1,10}(?!\d)/.exec(text)?.[0] ?? 0), text.replace(/^\d+ ?/, ''));
      case 'S':
        this.#status.push(text);
        return undefined;
      case 'D':
        this.#data += text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
        return undefined;
      case 'INQUIRE':
        return 'inquiry';
      default:
        if (line !== '' && !line.startsWith('#')) throw new Error('the answer is no Assuan');
        return undefined;
    }
  }

  #complete(ok: boolean, error: number, text: string): AssuanReply {
    const reply = { ok, error, text, status: this.#status, data: this.#data };
    this.#status = [];
    this.#data = '';
    this.#size = 0;
    return reply;
  }
}

/**
 * Where a socket file of libassuan's really leads: a regular file with `%Assuan%` and `socket=PATH` stands for a
 * socket elsewhere, e.g. where the path would be too long (libassuan src/assuan-socket.c, eval_redirection).
 * @param env for `${NAME}` in the path
 * @returns null when the text is no redirection
 */
export function redirectedSocket(text: string, env: (name: string) => string | undefined): string | null {
  const match = /^%Assuan%\r?\nsocket=([^\n]+?)\r?(?:\n|$)/.exec(text);
  if (match === null) return null;
  return (match[1] as string).replace(/\$\{([^}]*)\}/g, (_, name: string) => env(name) ?? '');
}
