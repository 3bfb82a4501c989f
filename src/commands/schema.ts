import type { Register } from './command.ts';

export const registerSchema: Register = (program, session) => {
  program
    .command('schema')
    .description('the JSON Schema of what --json prints')
    .option('--snapshot', 'of what --save writes')
    .action(async ({ snapshot }) => {
      const { publishedSchema } = await import('../report/published-schema.ts');
      await session.print(`${JSON.stringify(publishedSchema(snapshot === true ? 'snapshot' : 'report'), null, 2)}\n`);
    });
};
