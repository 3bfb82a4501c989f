import * as z from 'zod';
import { snapshotSchema } from '../snapshot/schema.ts';
import { outputSchema } from './schema.ts';

const published = { report: outputSchema, snapshot: snapshotSchema };

/** JSON Schema, draft 2020-12, of everything `--json` or `--save` may write. Fields may be added to either at any time. */
export function publishedSchema(of: keyof typeof published): object {
  const { $schema, ...schema } = z.toJSONSchema(published[of], { io: 'input' });
  return { $schema, $id: `urn:cardcheck:${of}:1`, title: `cardcheck ${of}, schema version 1`, ...schema };
}
