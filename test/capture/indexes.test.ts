import { describe, expect, it } from 'vitest';
import { deriveWatches } from '../../src/capture/derive.ts';
import { catalog, objectOf } from './madeCatalog.ts';

const notesOf = (query: string, key?: string) => deriveWatches(objectOf(query, key), catalog).warnings;

describe('a step from a changed row to its records', () => {
  it('that no index serves is noted with the index to create', () => {
    const notes = notesOf(`SELECT u.id AS source_id, p.title AS best FROM users u LEFT JOIN orders o ON o.user_id = u.id
      LEFT JOIN order_items i ON i.order_id = o.id LEFT JOIN products p ON p.id = i.product_id WHERE u.id IN (:ids)`);
    expect(notes).toEqual([
      'a change of products reads the whole of order_items: no index begins with order_items.product_id. CREATE INDEX `hubspot_product_id` ON `order_items` (`product_id`);',
    ]);
  });

  it('is noted at the far end of a path as well', () => {
    const notes = notesOf(
      `SELECT m.id AS source_id, c.name AS country FROM mixed m LEFT JOIN users u ON u.id = m.UserId
       LEFT JOIN countries c ON c.id = u.country_id WHERE m.id IN (:ids)`,
      'Mixed.Id',
    );
    expect(notes).toEqual([
      'a change of users reads the whole of Mixed: no index begins with Mixed.UserId. CREATE INDEX `hubspot_UserId` ON `Mixed` (`UserId`);',
      'a change of countries reads the whole of Mixed: no index begins with Mixed.UserId. CREATE INDEX `hubspot_UserId` ON `Mixed` (`UserId`);',
    ]);
  });

  it('that has its index is not mentioned, nor one that needs none', () => {
    const notes = notesOf(`SELECT u.id AS source_id, c.name AS country, d.phone,
        (SELECT SUM(i.price) FROM orders o JOIN order_items i ON i.order_id = o.id WHERE o.user_id = u.id) AS spent
      FROM users u LEFT JOIN countries c ON c.id = u.country_id LEFT JOIN details d ON d.user_id = u.id
      WHERE u.id IN (:ids)`);
    expect(notes).toEqual([]);
  });

  it('that compares another character set is noted, since no index would help', () => {
    const notes = notesOf(
      'SELECT s.id AS source_id, u.first_name FROM subscriptions s LEFT JOIN users u ON u.email = s.email WHERE s.id IN (:ids)',
      'subscriptions.id',
    );
    expect(notes).toEqual([
      'a change of users reads the whole of subscriptions: subscriptions.email is compared with users.email, which is of another type, character set or collation, so no index serves; give both the same',
    ]);
  });

  it('that compares a text with a number is noted', () => {
    const notes = notesOf(
      'SELECT u.id AS source_id, t.tag FROM users u LEFT JOIN tags t ON t.id = u.email WHERE u.id IN (:ids)',
    );
    expect(notes).toEqual([
      expect.stringMatching(/^a change of tags reads the whole of users: users\.email is compared with tags\.id/),
    ]);
  });

  it('asks for an index on the beginning of a long text', () => {
    const notes = notesOf(
      'SELECT u.id AS source_id, t.id AS tag FROM users u LEFT JOIN tags t ON t.tag = u.about WHERE u.id IN (:ids)',
    );
    expect(notes).toEqual([
      'a change of tags reads the whole of users: no index begins with users.about. CREATE INDEX `hubspot_about` ON `users` (`about`(191));',
    ]);
  });
});
