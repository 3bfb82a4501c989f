import { open } from 'node:fs/promises';
import type { Explainer } from './explain.ts';

/** Bytes read at once: large enough that reading costs nothing, small enough for any machine. */
const CHUNK = 1 << 20;
/** UTF-16 marks of order; Windows tools write logs so. */
const UTF16 = new Map([['fffe', 'utf-16le'], ['feff', 'utf-16be']]);

/** Feeds a file, however large, to the explainer. Rejects with the system's error when it cannot be read. */
export async function feedFile(path: string, explainer: Explainer): Promise<void> {
  const file = await open(path, 'r');
  try {
    const feed = feeder(explainer);
    // While one chunk is looked at, the next is read.
    const buffers = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)] as const;
    const read = (turn: number) => file.read(buffers[turn % 2] as Buffer, 0, CHUNK, null);
    let pending = read(0);
    for (let turn = 0; ; turn++) {
      const { bytesRead, buffer } = await pending;
      if (bytesRead === 0) return;
      pending = read(turn + 1);
      feed(buffer.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
}

/** Feeds a stream to its end. */
export async function feedStream(stream: AsyncIterable<Uint8Array | string>, explainer: Explainer): Promise<void> {
  const feed = feeder(explainer);
  for await (const chunk of stream) feed(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
}

/** Hands bytes on as they are, or from UTF-16 as UTF-8. */
function feeder(explainer: Explainer): (chunk: Buffer) => void {
  let decoder: InstanceType<typeof TextDecoder> | null | undefined;
  return (chunk) => {
    if (decoder === undefined) {
      const encoding = UTF16.get(chunk.subarray(0, 2).toString('hex'));
      decoder = encoding === undefined ? null : new TextDecoder(encoding);
    }
    explainer.push(decoder === null ? chunk : Buffer.from(decoder.decode(chunk, { stream: true })));
  };
}
