import fc from 'fast-check';
import type * as z from 'zod';

/** The parts of a zod schema's definition that our schemas use. */
interface Def {
  type: string;
  shape: Record<string, z.ZodType>;
  element: z.ZodType;
  innerType: z.ZodType;
  options: z.ZodType[];
  values: unknown[];
  entries: Record<string, string>;
  valueType: z.ZodType;
  format?: string;
  checks?: unknown[];
}

/**
 * Any value the schema allows, with these strings in its free places.
 * @param text for every string without a pattern of its own
 */
export function arbitraryOf(schema: z.ZodType, text: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const def = schema.def as unknown as Def;
  const of = (inner: z.ZodType) => arbitraryOf(inner, text);
  switch (def.type) {
    case 'object':
      return fc.record(Object.fromEntries(Object.entries(def.shape).map(([key, inner]) => [key, of(inner)])));
    case 'array':
      return fc.array(of(def.element), { maxLength: 3 });
    case 'default':
      return of(def.innerType);
    case 'optional':
      return fc.option(of(def.innerType), { nil: undefined });
    case 'nullable':
      return fc.option(of(def.innerType), { nil: null });
    case 'union':
      return fc.oneof(...def.options.map(of));
    case 'literal':
      return fc.constantFrom(...def.values);
    case 'enum':
      return fc.constantFrom(...Object.values(def.entries));
    case 'record':
      return fc.dictionary(text, of(def.valueType), { maxKeys: 3 });
    case 'boolean':
      return fc.boolean();
    case 'number':
      return fc.nat({ max: 100_000 });
    case 'string':
      return schema.safeParse('0000:0000').success && !schema.safeParse('x').success ? fc.constantFrom('1050:0407', '08e6:3437') : text;
    default:
      throw new Error(`no arbitrary for a zod ${def.type}`);
  }
}
