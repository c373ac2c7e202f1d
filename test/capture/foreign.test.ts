import { describe, expect, it } from 'vitest';
import { findForeign, refuseForeign } from '../../src/capture/foreign.ts';
import type { Installed } from '../../src/capture/installed.ts';
import { LABEL, type Trigger } from '../../src/capture/render.ts';

const wanted: Trigger[] = [
  { name: 'hubspot_users_au', table: 'users', event: 'UPDATE', create: '', body: '' },
  { name: 'hubspot_users_ai', table: 'users', event: 'INSERT', create: '', body: '' },
];

function theirs(change: Partial<Installed>): Installed {
  const standing = { name: 'their_audit', table: 'users', event: 'UPDATE', timing: 'AFTER' } as const;
  return { ...standing, body: 'SET @seen = 1', definer: 'shop@%', sqlMode: '', ...change };
}

const obstacles = (installed: Installed, takesSeveral: boolean) =>
  findForeign(wanted, [installed], takesSeveral).map(({ obstacle }) => obstacle);

describe('a trigger of others', () => {
  it('in the place of ours is in the way where a server takes one, and only there', () => {
    const [obstacle] = obstacles(theirs({}), false);
    expect(obstacle).toMatch(/takes one trigger .* let its owner drop it, or upgrade the server to MySQL 5\.7/);
    expect(obstacle).not.toContain('--sql');
    expect(obstacles(theirs({}), true)).toEqual([null]);
  });

  it('of another time or event stands beside ours everywhere', () => {
    for (const takesSeveral of [true, false]) {
      expect(obstacles(theirs({ timing: 'BEFORE' }), takesSeveral)).toEqual([null]);
      expect(obstacles(theirs({ event: 'DELETE' }), takesSeveral)).toEqual([null]);
    }
  });

  it('of our name is in the way everywhere, whatever its table', () => {
    for (const takesSeveral of [true, false])
      expect(obstacles(theirs({ name: 'hubspot_users_au', table: 'audit' }), takesSeveral)).toEqual([
        'ours has the same name: let its owner rename or drop it',
      ]);
  });

  it('of a table that nobody watches is none of it, nor is one of ours', () => {
    expect(obstacles(theirs({ table: 'audit' }), false)).toEqual([]);
    expect(obstacles(theirs({ name: 'hubspot_users_au', body: LABEL }), false)).toEqual([]);
  });

  it('is refused only when it is in the way, and all such together', () => {
    const beside = findForeign(wanted, [theirs({ timing: 'BEFORE' })], false);
    expect(() => refuseForeign('a.yaml', beside)).not.toThrow();
    const both = findForeign(wanted, [theirs({}), theirs({ name: 'other', event: 'INSERT' })], false);
    expect(() => refuseForeign('a.yaml', [...beside, ...both])).toThrow(
      expect.objectContaining({ code: 'FOREIGN_TRIGGER', problems: [expect.anything(), expect.anything()] }),
    );
  });
});
