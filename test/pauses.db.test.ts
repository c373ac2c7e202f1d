import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Gate, type Pause } from '../src/gate.ts';
import { rememberObjects, storeResume } from '../src/outbox/objects.ts';
import { Pauses } from '../src/pauses.ts';
import { emptyOutbox, type Outbox, openOutbox } from './outbox/outbox.ts';

const OBJECTS = ['contacts', 'orders'];
const vanished: Pause = { scope: 'object', code: 'PROPERTY_DOESNT_EXIST', reason: 'shop_notes is gone' };
const refused: Pause = { scope: 'worker', code: 'HTTP_401', reason: 'the key is refused' };

describe('pauses', () => {
  let outbox: Outbox;
  let pauses: Pauses;
  beforeAll(async () => {
    outbox = await openOutbox();
  });
  beforeEach(async () => {
    await emptyOutbox(outbox.db);
    await rememberObjects(outbox.db, OBJECTS);
    pauses = new Pauses(outbox.db, new Gate(pino({ level: 'silent' }), 60_000), OBJECTS);
    await pauses.begin();
  });
  afterAll(async () => outbox?.close());

  const shown = async () => {
    const [rows] = await outbox.db.raw('SELECT object, paused_code, paused_at FROM hubspot_object ORDER BY object');
    return (rows as { paused_code: string | null; paused_at: string | null }[]).map(({ paused_code, paused_at }) => {
      expect(paused_at === null).toBe(paused_code === null);
      return paused_code;
    });
  };

  it('are shown of the object they are of, and of every object where all stands still', async () => {
    await pauses.pause('contacts', vanished);
    expect(await shown()).toEqual([vanished.code, null]);
    await pauses.pause('orders', refused);
    expect(await shown()).toEqual([vanished.code, refused.code]);
    await pauses.end('orders');
    expect(await shown()).toEqual([vanished.code, null]);
    await pauses.end('contacts');
    expect(await shown()).toEqual([null, null]);
  });

  it('are shown, and no longer shown, also when the database was away just then', async () => {
    const away = () => outbox.db.raw('RENAME TABLE hubspot_object TO hubspot_object_away');
    const back = () => outbox.db.raw('RENAME TABLE hubspot_object_away TO hubspot_object');
    await away();
    await expect(pauses.pause('contacts', vanished)).rejects.toThrow();
    await back();
    await pauses.show();
    expect(await shown()).toEqual([vanished.code, null]);
    await away();
    await expect(pauses.end('contacts')).rejects.toThrow();
    await back();
    await pauses.show();
    expect(await shown()).toEqual([null, null]);
  });

  it('end when somebody asks for it, once, and with what they were for', async () => {
    await storeResume(outbox.db, 'contacts');
    await pauses.pause('contacts', vanished);
    expect(await pauses.noticeResumes()).toEqual([]);
    await storeResume(outbox.db, 'contacts');
    expect(await pauses.noticeResumes()).toEqual([{ object: 'contacts', code: vanished.code }]);
    expect(await pauses.noticeResumes()).toEqual([]);
    expect(await shown()).toEqual([null, null]);
  });
});
