import fc from 'fast-check';

// The same cases on every machine and every run: a test that fails can be looked into, and `npm run fuzz` is what explores.
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env.FC_SEED ?? 1) });
