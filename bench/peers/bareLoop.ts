// bareLoop.ts URL TOKEN FILE CONCURRENCY: the least that sends records with HubSpot's SDK. The records are in memory
// when it begins; nothing is read, confirmed, retried or remembered.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  BatchApi,
  createConfiguration,
  ServerConfiguration,
} from '@hubspot/api-client/lib/codegen/crm/objects/index.js';

const [url = '', accessToken = '', file = '', concurrency = '4'] = process.argv.slice(2);
const records = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>[];
// The SDK's own Client adds a limiter of nine calls a second; the API it is made of has none.
const api = new BatchApi(
  createConfiguration({
    baseServer: new ServerConfiguration(url, {}),
    authMethods: { oauth2: { accessToken } },
  }),
);

const begun = performance.now();
let next = 0;
await Promise.all(Array.from({ length: Number(concurrency) }, loop));
process.stdout.write(JSON.stringify({ seconds: (performance.now() - begun) / 1_000 }));

async function loop(): Promise<void> {
  while (next < records.length) {
    const batch = records.slice(next, next + 100);
    next += batch.length;
    await api.upsert('contacts', {
      inputs: batch.map((properties) => ({
        id: properties.email ?? '',
        idProperty: 'email',
        objectWriteTraceId: randomUUID(),
        properties,
      })),
    });
  }
}
