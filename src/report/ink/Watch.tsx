import { Box, render, Text } from 'ink';
import type { WatchView } from '../../commands/watch.ts';
import type { Sharing, WaitingClient, WatchEvent } from '../../watch/event.ts';
import { after, emptyState, type WatchState } from '../../watch/state.ts';
import type { Holder } from '../schema.ts';
import { count } from '../words.ts';
import { ended } from './ended.ts';

/** More frames a second than eyes follow would only cost. */
const FRAMES_PER_SECOND = 10;

/** The readers as they are and what happened last, redrawn in place. */
export function watchView(): WatchView {
  let state = emptyState;
  const app = render(<Watch state={state} />, { exitOnCtrlC: false, patchConsole: false, maxFps: FRAMES_PER_SECOND });
  return {
    show(event) {
      state = after(state, event);
      app.rerender(<Watch state={state} />);
    },
    async close() {
      await ended(app);
    },
  };
}

export function Watch({ state: { readers, log, missed, late, unseen } }: { state: WatchState }) {
  return (
    <Box flexDirection="column">
      {readers === null ? <Text dimColor>no pcscd is running; waiting for one</Text> : readers.map((reader) => <ReaderLine key={reader.name} reader={reader} />)}
      {readers?.length === 0 ? <Text dimColor>no reader</Text> : null}
      <Text> </Text>
      {log.map((event, index) => (
        <Text key={index} wrap="truncate">
          <Text dimColor>{clock(event.at)}</Text> {describe(event)}
        </Text>
      ))}
      {missed > 0 ? <Text color="yellow" wrap="truncate">{`at most ${missed} changes went unseen`}</Text> : null}
      {late > 0 ? <Text color="yellow" wrap="truncate">{`${count(late, 'look')} came late; changes may be missing`}</Text> : null}
      {unseen.map(({ what, need }) => (
        <Text key={what} dimColor wrap="truncate">{`not visible: ${what} (needs ${need})`}</Text>
      ))}
      <Text dimColor>Ctrl-C ends</Text>
    </Box>
  );
}

function ReaderLine({ reader: { name, card, sharing, holders, since } }: { reader: NonNullable<WatchState['readers']>[number] }) {
  return (
    <Text wrap="truncate">
      <Text bold>{name}</Text> {card ? '' : '(no card) '}
      <Text {...(sharing.count === 0 ? { color: 'green' } : { color: 'red' })}>{sharingWords(sharing)}</Text>
      {sharing.count === 0 ? '' : ` since ${clock(since)}`}
      {holders === null || holders.length === 0 || sharing.count === 0 ? '' : `  ${holders.map(holderWords).join(', ')}`}
    </Text>
  );
}

function sharingWords({ count, transaction }: Sharing): string {
  if (count === -1) return 'exclusive';
  if (count === 0) return 'free';
  return `${count} ${count === 1 ? 'handle' : 'handles'}${transaction === true ? ', transaction' : ''}`;
}

const holderWords = ({ command, pid, user, certainty }: Holder): string => `${command} (${pid}${user === null ? '' : `, ${user}`}, ${certainty})`;

const clientWords = ({ command, pid, user }: WaitingClient): string => (pid === null ? 'a program that is not visible' : `${command ?? 'a program'} (${pid}${user === null ? '' : `, ${user}`})`);

/** Local time of day with milliseconds: changes come in bursts. */
function clock(iso: string): string {
  const at = new Date(iso);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

const verbs: Readonly<Record<Exclude<WatchEvent['event'], 'begin' | 'missed' | 'gap' | 'blocked' | 'unblocked' | 'pcscd-started' | 'pcscd-gone'>, string>> = {
  take: 'taken exclusively',
  drop: 'exclusive access given up',
  connect: 'handle opened',
  disconnect: 'handle closed',
  'transaction-begin': 'transaction begun',
  'transaction-end': 'transaction ended',
  'reader-added': 'reader added',
  'reader-removed': 'reader removed',
  'card-inserted': 'card inserted',
  'card-removed': 'card removed',
};

function describe(event: WatchEvent): string {
  switch (event.event) {
    case 'begin':
      return 'watching';
    case 'gap':
      return `no look for ${event.ms} ms${event.changes === null ? '' : `; up to ${event.changes} changes unseen`}`;
    case 'missed':
      return `${event.reader}: ${event.changes} ${event.of === 'card' ? 'insertions or removals' : 'changes of owner'} unseen`;
    case 'blocked':
    case 'unblocked':
      return `${event.reader === null ? '' : `${event.reader}: `}${clientWords(event.client)} ${event.event === 'blocked' ? 'waits for the end of a transaction' : 'waits no more'}`;
    case 'pcscd-started':
      return `pcscd started: ${event.reason}`;
    case 'pcscd-gone':
      return `pcscd is gone: ${event.reason}`;
    default:
      return `${event.reader}: ${verbs[event.event]}${'holders' in event && event.holders !== null && event.holders.length > 0 ? `; held by ${event.holders.map(holderWords).join(', ')}` : ''}`;
  }
}
