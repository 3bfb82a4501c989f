import { PcscdClient } from '../../src/rig/pcscd-client.ts';
import type { ShareMode } from '../../src/snapshot/schema.ts';

/** Another PC/SC program: opens the reader in the given mode, says "holding" and keeps the handle until it is killed. */
export async function hold(mode: string, reader: string): Promise<void> {
  const client = new PcscdClient();
  await client.establishContext();
  await client.connect(reader, mode as ShareMode);
  process.stdout.write('holding\n');
  await new Promise((resolve) => process.stdin.resume().once('end', resolve));
  await client.disconnect();
  client.close();
}
