/**
 * node bin/ts.js test/support/record.ts [NAME…]: plays the rig's scenarios (all without names) and writes what cardcheck
 * saved of each to fixtures/snapshots. With `lab SUITE NAME FIXTURE SITUATION` the same from a snapshot a lab machine left.
 * Needs the build, and root.
 */
import { writeFileSync } from 'node:fs';
import { loadSnapshot } from '../../src/snapshot/load.ts';
import { redact } from '../../src/snapshot/redact.ts';
import type { Snapshot } from '../../src/snapshot/schema.ts';
import { labFolder } from './lab-results.ts';
import { play, rigScenarios } from './rig-scenarios.ts';

const DEVICES_KEPT = 4;
const INODES_KEPT = 4;

/** Long lists that no check looks at beyond what is connected are cut; a fixture says so. */
function trimmed({ facts }: Snapshot): Snapshot['facts'] {
  const { driverBundles, usbDevices, clients } = facts;
  const connected = new Set(usbDevices.status === 'ok' ? usbDevices.value.map(({ id }) => id) : []);
  const cut = structuredClone(facts);
  if (cut.driverBundles.status === 'ok' && driverBundles.status === 'ok')
    for (const bundle of cut.driverBundles.value.bundles) bundle.devices = bundle.devices.filter((id, index) => index < DEVICES_KEPT || connected.has(id));
  if (cut.clients.status === 'ok' && clients.status === 'ok') for (const client of cut.clients.value.clients) client.inodes = client.inodes.slice(0, INODES_KEPT);
  if (cut.gnupg.status === 'ok' && cut.gnupg.value.scdaemon !== null) cut.gnupg.value.scdaemon.options = null;
  return cut;
}

function write(name: string, situation: string, place: string, snapshot: Snapshot): void {
  const { pcscdBuild, gnupg } = snapshot.facts;
  const versions = [
    pcscdBuild.status === 'ok' ? `pcscd ${pcscdBuild.value.version}` : 'no pcscd',
    gnupg.status === 'ok' && gnupg.value.scdaemon !== null ? `scdaemon ${gnupg.value.scdaemon.version}` : 'no scdaemon',
  ];
  const origin = `recorded (${[place, ...versions].join(', ')}); of drivers' devices ${DEVICES_KEPT} and those connected are kept, of a client's inodes ${INODES_KEPT}, of scdaemon's options none`;
  const facts = Object.entries(trimmed(snapshot)).map(([fact, value]) => `    ${JSON.stringify(fact)}: ${JSON.stringify(value)}`);
  const head = [['situation', situation], ['origin', origin]].map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},\n`).join('');
  writeFileSync(new URL(`../../fixtures/snapshots/${name}.json`, import.meta.url), `{\n${head}  "facts": {\n${facts.join(',\n')}\n  }\n}\n`);
  process.stdout.write(`${name}: ${origin}\n`);
}

const [kind, ...rest] = process.argv.slice(2);
if (kind === 'lab') {
  const [suite = '', recorded = '', fixture = '', situation = ''] = rest;
  write(fixture, situation, `lab, Debian ${suite}`, redact(await loadSnapshot(`${labFolder(suite)}/${recorded}.json`)));
} else {
  const wanted = [kind, ...rest].filter((name) => name !== undefined);
  for (const scenario of rigScenarios) {
    if (wanted.length > 0 && !wanted.includes(scenario.name)) continue;
    const { snapshot } = await play(scenario, false);
    write(scenario.name, scenario.situation, 'rig', JSON.parse(snapshot) as Snapshot);
  }
}
