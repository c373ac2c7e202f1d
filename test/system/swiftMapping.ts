import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shopMapping } from '../support/shop.ts';

/** Times short enough to wait for in a test; what they decide is the same. */
const SWIFT = {
  request_timeout_ms: 1_000,
  late_write_ms: 3_000,
  lease_ms: 8_000,
  look_again_ms: 1_000,
  stop_within_ms: 2_000,
};

/** The shop's mapping with other settings; returns its file. */
export function swiftMapping(settings: Record<string, number | string> = {}): string {
  const text = readFileSync(shopMapping, 'utf8');
  const lines = Object.entries({ ...SWIFT, ...settings }).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`);
  const file = join(mkdtempSync(join(tmpdir(), 'hubspot-outbox-mapping-')), 'hubspot-outbox.yaml');
  writeFileSync(file, `${text.trimEnd()}\n${lines.join('\n')}\n`);
  return file;
}
