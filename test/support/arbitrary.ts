/** Values of a zod schema for property tests: every snapshot that may come in through `--from`. */
import fc from 'fast-check';
import type * as z from 'zod';

interface Definition {
  type: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  shape?: Record<string, z.ZodType>;
  options?: z.ZodType[];
  values?: unknown[];
  entries?: Record<string, string>;
  keyType?: z.ZodType;
  valueType?: z.ZodType;
}

/** @param text what strings are made of, besides one word for each pattern a schema knows */
export function arbitraryOf(schema: z.ZodType, text: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const of = (inner: z.ZodType | undefined) => arbitraryOf(inner as z.ZodType, text);
  const definition = schema.def as unknown as Definition;
  const makers: Record<string, () => fc.Arbitrary<unknown>> = {
    string: () => fc.oneof({ weight: 1, arbitrary: fc.constantFrom('1050:0407', '2026-11-24T10:00:00.000Z') }, { weight: 9, arbitrary: text }).filter((value) => schema.safeParse(value).success),
    number: () => fc.oneof(fc.integer({ min: -2, max: 70_000 }), fc.nat(3)).filter((value) => schema.safeParse(value).success),
    int: () => fc.nat(3),
    boolean: () => fc.boolean(),
    literal: () => fc.constantFrom(...(definition.values as unknown[])),
    enum: () => fc.constantFrom(...Object.values(definition.entries as Record<string, string>)),
    nullable: () => fc.option(of(definition.innerType), { nil: null }),
    optional: () => fc.option(of(definition.innerType), { nil: undefined }),
    default: () => of(definition.innerType),
    array: () => fc.array(of(definition.element), { maxLength: 3 }),
    record: () => fc.dictionary(text, of(definition.valueType), { maxKeys: 3 }),
    union: () => fc.oneof(...(definition.options as z.ZodType[]).map(of)),
    object: () => fc.record(Object.fromEntries(Object.entries(definition.shape as Record<string, z.ZodType>).map(([key, inner]) => [key, of(inner)]))),
  };
  const make = makers[definition.type];
  if (make === undefined) throw new Error(`no arbitrary for a ${definition.type}`);
  return make();
}
