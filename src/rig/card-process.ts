/**
 * Runs inside: the virtual cards of one rig. Its arguments are the cards, slot by slot: PORT:KIND.
 */
import { serve } from './channel.ts';
import { OpenPgpCard, PlainCard } from './openpgp-card.ts';
import { type CardKind, VpcdCard } from './vpcd.ts';

process.title = 'virtual-cards';

const cards = process.argv.slice(2).map((slot, index) => {
  const [port, kind] = slot.split(':') as [string, CardKind];
  const card = new VpcdCard(Number(port), kind === 'plain' ? new PlainCard() : new OpenPgpCard(index + 1), kind === 'mute');
  if (kind !== 'none') card.insert();
  return card;
});

function card(index: number): VpcdCard {
  const found = cards[index];
  if (found === undefined) throw new Error(`no slot ${index}`);
  return found;
}

serve({
  counts: (index: number) => card(index).counts,
  events: (index: number) => card(index).events,
  insert: (index: number) => card(index).insert(),
  remove: (index: number) => card(index).remove(),
  setMute: (index: number, mute: boolean) => {
    card(index).mute = mute;
  },
});
