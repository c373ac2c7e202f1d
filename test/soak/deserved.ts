import type { Connection } from 'mysql2/promise';
import { createConnection } from 'mysql2/promise';

/** A row as the SELECT returns it, every value as text. */
export type Source = Record<string, string | null>;

/** All that the SELECT returns, by source id. Knows nothing of the product. */
export async function readSources(
  url: string,
  { key, query }: { key: { table: string; column: string }; query: string },
): Promise<Map<string, Source>> {
  const connection = await createConnection({ uri: url, charset: 'utf8mb4', typeCast: (field) => field.string() });
  try {
    const ids = await idsOf(connection, key);
    if (ids.length === 0) return new Map();
    const [rows] = await connection.query(query.replaceAll(':ids', ids.map((id) => connection.escape(id)).join(', ')));
    return new Map((rows as Source[]).map((row) => [String(row.source_id), row]));
  } finally {
    await connection.end();
  }
}

async function idsOf(connection: Connection, { table, column }: { table: string; column: string }): Promise<string[]> {
  const [rows] = await connection.query('SELECT ?? AS id FROM ??', [column, table]);
  return (rows as { id: string }[]).map(({ id }) => id);
}

export function emailOf({ email }: Source): string {
  return (email ?? '').trim().toLowerCase();
}

/**
 * Whether a user deserves to be refused with this code, by what the shop's tables say.
 * @param shared e-mails that more than one returned user has
 * @param kept e-mails that contacts of users hold who are gone, and whose contacts are kept
 */
export function deserves(
  code: string | null,
  user: Source,
  shared: ReadonlySet<string>,
  kept: ReadonlySet<string>,
): boolean {
  const email = emailOf(user);
  switch (code) {
    case 'MISSING_MATCH':
      return email === '';
    case 'INVALID_EMAIL':
    // A whole batch refused without a reason leaves the record itself as the only reason.
    case 'VALIDATION_ERROR':
      return email !== '' && !isEmail(email);
    case 'INVALID_VALUE':
      return hasBadValue(user);
    case 'DUPLICATE_MATCH':
      return shared.has(email) || kept.has(email);
    // HubSpot's own word for it, where the outbox did not know that the contact was made.
    case 'CONFLICT':
    case 'VALUE_NOT_UNIQUE':
      return kept.has(email);
    default:
      return false;
  }
}

function isEmail(text: string): boolean {
  return /^[^\s@,;<>()]+@[^\s@.,]+(\.[^\s@.,]+)*\.[a-z]{2,}$/i.test(text);
}

const GROUPS = ['Retail', 'Trade', 'Key account'];

function hasBadValue({ customer_group, interests, loyalty_points, birthday, shop_notes }: Source): boolean {
  return (
    !GROUPS.includes(customer_group ?? '') ||
    (interests ?? '').split(',').includes('fax') ||
    !/^(-?\d+(\.\d+)?)?$/.test(loyalty_points ?? '') ||
    /^(?!0000-00-00)\d{4}-(00-\d\d|\d\d-00)/.test(birthday ?? '') ||
    (shop_notes ?? '').length > 65_536
  );
}
