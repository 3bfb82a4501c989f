/** The schema of the JSON report: what `--json` prints and `cardcheck schema` publishes. Loaded on demand only, like snapshot/schema.ts. */
import * as z from 'zod';
import { pkcs11Registration, probeOutcomes } from '../snapshot/schema.ts';
import { certainties, layerIds, severities } from './vocabulary.ts';

const remedy = z.object({
  title: z.string(),
  kind: z.enum(['now', 'lasting']),
  commands: z.array(z.string()).meta({ description: 'runnable as they stand in a POSIX shell' }),
  edits: z.array(z.object({ file: z.string(), add: z.array(z.string()), remove: z.array(z.string()) })),
  price: z.string().nullable().meta({ description: 'what applying it costs' }),
});

export const findingSchema = z.object({
  code: z.string(),
  id: z.string(),
  severity: z.enum(severities),
  layer: z.enum(layerIds).nullable().meta({ description: 'null: about cardcheck itself' }),
  title: z.string(),
  message: z.string(),
  subject: z.object({ kind: z.enum(['reader', 'device', 'process', 'file', 'service', 'package', 'user', 'machine', 'cardcheck']), name: z.string() }),
  data: z.record(z.string(), z.json()),
  certainty: z.enum(certainties),
  evidence: z.array(z.string()),
  remedies: z.array(remedy),
  docs: z.string(),
});

export const holderSchema = z.object({
  pid: z.int(),
  uid: z.int(),
  user: z.string().nullable(),
  command: z.string().meta({ description: 'the name its user knows: scdaemon, Firefox (snap), opensc-pkcs11 in firefox' }),
  access: z.enum(['exclusive', 'transaction', 'shared', 'usb', 'unknown']),
  certainty: z.enum(certainties),
  since: z.string().nullable().meta({ description: 'ISO 8601; when the process started, at the earliest' }),
  modules: z
    .array(
      z.object({
        file: z.string(),
        registeredBy: z.array(pkcs11Registration),
        unknown: z.string().nullable().meta({ description: 'why it could not be told who registered it; null: it was looked for' }),
        alone: z.boolean().meta({ description: 'neither p11-kit nor NSS is loaded in the program: it loads modules by itself' }),
      }),
    )
    .meta({ description: 'PKCS#11 modules it has loaded, as far as this user may see, and who made it load them' }),
  evidence: z.array(z.string()),
  unit: z.string().nullable().meta({ description: 'systemd unit that it runs in' }),
  terminal: z.string().nullable().meta({ description: 'its controlling terminal, such as pts/3' }),
  parents: z.array(z.object({ pid: z.int(), command: z.string() })).meta({ description: 'who started it, nearest first, up to init' }),
});

const probeResult = z.object({
  outcome: z.enum(probeOutcomes),
  code: z.string().nullable(),
  hex: z.string().nullable(),
  ms: z.number().nullable(),
  backend: z.enum(['library', 'daemon']),
  reason: z.string().nullable(),
});

export const readerSchema = z.object({
  name: z.string(),
  card: z.object({ present: z.boolean().nullable(), atr: z.string().nullable() }),
  sharing: z.object({
    mode: z.enum(['free', 'shared', 'exclusive', 'unknown']),
    handles: z.int().nullable(),
    transaction: z.boolean().nullable(),
  }),
  device: z.string().nullable().meta({ description: 'USB device it stands for, where that is known' }),
  listed: z.boolean().meta({ description: 'false: a smart-card device on the bus that PC/SC does not list' }),
  probes: z.object({ shared: probeResult.nullable(), exclusive: probeResult.nullable(), direct: probeResult.nullable() }),
  holders: z.array(holderSchema),
  unattributed: z.int().meta({ description: 'handles or connections whose process could not be seen' }),
});

export const reportSchema = z.object({
  schemaVersion: z.literal(1),
  tool: z.object({ name: z.literal('cardcheck'), version: z.string() }),
  host: z.object({ platform: z.string(), distribution: z.string().nullable(), kernel: z.string().nullable(), root: z.boolean().nullable() }),
  startedAt: z.string(),
  durationMs: z.number(),
  status: z.enum(['ok', 'warning', 'error', 'unknown']),
  layers: z.array(z.object({ id: z.enum(layerIds), status: z.enum(['ok', 'warning', 'error', 'unknown', 'not-examined']), summary: z.string() })),
  readers: z.array(readerSchema),
  checks: z.array(
    z.object({
      code: z.string(),
      id: z.string(),
      outcome: z.enum(['pass', 'findings', 'not-applicable', 'unknown', 'crashed']),
      reason: z.string().optional(),
    }),
  ),
  findings: z.array(findingSchema),
  suppressed: z.int().meta({ description: 'findings left out by --suppress' }),
  unseen: z.array(z.object({ what: z.string(), need: z.string() })).meta({ description: 'what stayed unseen and what would show it' }),
});

/** What stdout carries in JSON mode when no report could be made. */
export const failureSchema = z.object({
  schemaVersion: z.literal(1),
  tool: z.object({ name: z.literal('cardcheck'), version: z.string() }),
  error: z.object({
    exitCode: z.int().meta({ description: '64 usage, 65 bad snapshot, 66 unreadable, 69 no demo here, 70 a bug in cardcheck, 73 cannot write, 130 interrupted, 143 terminated' }),
    message: z.string(),
  }),
});

/** Exactly one of these is on stdout in JSON mode; only a failure has `error`. */
export const outputSchema = z.union([reportSchema, failureSchema]);

export type FailureReport = z.infer<typeof failureSchema>;
export type Severity = (typeof severities)[number];
export type Certainty = (typeof certainties)[number];
export type LayerId = (typeof layerIds)[number];
export type Remedy = z.infer<typeof remedy>;
export type Finding = z.infer<typeof findingSchema>;
export type Holder = z.infer<typeof holderSchema>;
export type LoadedModule = Holder['modules'][number];
export type ReaderReport = z.infer<typeof readerSchema>;
export type Report = z.infer<typeof reportSchema>;
export type CheckOutcome = Report['checks'][number];
export type LayerReport = Report['layers'][number];
