import type { ScdaemonConfig } from '../snapshot/schema.ts';

type Message = NonNullable<ScdaemonConfig['verdict']>['messages'][number];

/** A file that is no configuration at all makes scdaemon complain of every line of it. */
const MOST_MESSAGES = 20;

/**
 * The first messages of `scdaemon --gpgconf-test` that point into a file: `FILE:LINE: message`, from 2.3 on with
 * `scdaemon[PID]: ` in front. gpgrt counts a last line without a newline one too low.
 * @param files the files it reads; other lines of its output are no messages about them
 */
export function configMessages(stderr: string, files: readonly string[]): Message[] {
  const found = stderr.split('\n').flatMap((raw) => {
    const line = raw.replace(/^[a-z0-9-]+\[\d+\]: /, '');
    const file = files.find((path) => line.startsWith(`${path}:`));
    const match = file === undefined ? null : /^(\d{1,9}): (.*)$/.exec(line.slice(file.length + 1));
    return file === undefined || match === null ? [] : [{ file, line: Number(match[1]), text: null, message: match[2] as string }];
  });
  return found.slice(0, MOST_MESSAGES);
}
