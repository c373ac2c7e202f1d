import { type BadUser, holders } from './badUsers.ts';
import { type Country, companies, countries, notes } from './people.ts';
import type { Random, Value } from './random.ts';

export type Row = Record<string, Value>;
export type Person = { user: Row; details: Row | null };
export type Order = { order: Row; items: Row[] };

const groups = ['Retail', 'Retail', 'Retail', 'Trade', 'Key account'];
const interests = ['shoes', 'bags', 'outdoor', 'kids', 'sale'];
const domains = ['example.com', 'example.org', 'example.net', 'mail.example.com', 'shop.example.org'];

/** One customer; `bad` replaces what makes it bad. */
export function person(id: number, random: Random, bad: BadUser | undefined): Person {
  const country = random.pick(countries);
  const firstName = random.pick(country.first);
  const lastName = random.pick(country.last);
  const user: Row = {
    id,
    email: holders.get(id) ?? `${mailbox(firstName, lastName)}${id}@${random.pick(domains)}`,
    first_name: firstName,
    last_name: lastName,
    company: random.chance(0.25) ? random.pick(companies) : null,
    user_status: bad || holders.has(id) ? 'A' : status(random.next()),
    customer_group: random.pick(groups),
    interests: interests.filter(() => random.chance(0.3)).join(','),
    newsletter: random.chance(0.4) ? 1 : 0,
    loyalty_points: random.chance(0.6) ? String(random.integer(0, 5000)) : null,
    birthday: random.chance(0.6) ? date(random, 1940, 2008) : '0000-00-00',
    country_id: random.chance(0.95) ? country.id : null,
    password_hash: hex(random, 32),
    login_count: random.integer(0, 900),
    registered_at: time(random, 2014, 2024),
    last_login: random.chance(0.9) ? time(random, 2024, 2025) : '0000-00-00 00:00:00',
    updated_at: time(random, 2024, 2025),
    ...bad?.user,
  };
  const details = random.chance(0.9) || bad?.details ? { ...detailsOf(id, country, random), ...bad?.details } : null;
  return { user, details };
}

/** Up to eight orders of one customer, most have none or one; `firstId` is the id of the first. */
export function ordersOf(userId: number, firstId: number, random: Random): Order[] {
  const count = random.pick([0, 0, 0, 0, 1, 1, 1, 2, 2, 3]) + (random.chance(0.02) ? 5 : 0);
  return Array.from({ length: count }, (_, n) => order(firstId + n, userId, random));
}

function detailsOf(id: number, country: Country, random: Random): Row {
  return {
    user_id: id,
    phone: random.chance(0.8)
      ? `${country.dial} ${random.integer(100, 999)} ${random.integer(1_000_000, 9_999_999)}`
      : null,
    street: `${random.pick(country.last)} ${random.integer(1, 240)}`,
    zip: String(random.integer(0, 99_999)).padStart(5, '0'),
    city: random.pick(country.cities),
    notes: random.chance(0.2) ? random.pick(notes) : null,
    consent_at: random.chance(0.5) ? time(random, 2018, 2025) : null,
  };
}

function order(id: number, userId: number, random: Random): Order {
  const orderedAt = time(random, 2014, 2025);
  const items = Array.from({ length: random.integer(1, 4) }, () => ({
    order_id: id,
    sku: `${random.pick(['SHO', 'BAG', 'OUT', 'KID'])}-${random.integer(1000, 9999)}`,
    quantity: random.integer(1, 3),
    price: cents(random.integer(499, 19_999)),
  }));
  const total = items.reduce((sum, { quantity, price }) => sum + quantity * Math.round(Number(price) * 100), 0);
  const row = {
    id,
    order_number: `S-${orderedAt.slice(0, 4)}-${String(id).padStart(7, '0')}`,
    user_id: userId,
    state: random.pick(['open', 'paid', 'shipped', 'shipped', 'shipped', 'cancelled']),
    total: cents(total),
    ordered_at: orderedAt,
    updated_at: orderedAt,
  };
  return { order: row, items };
}

function mailbox(firstName: string, lastName: string): string {
  const latin = `${firstName}.${lastName}`
    .normalize('NFD')
    .toLowerCase()
    .replace(/[^a-z.]/g, '');
  return /^[a-z].*[a-z]$/.test(latin) ? `${latin.replace(/\.+/g, '.')}.` : 'customer';
}

function status(chance: number): string {
  if (chance < 0.7) return 'A';
  if (chance < 0.85) return 'N';
  return chance < 0.93 ? 'C' : 'G';
}

function date(random: Random, firstYear: number, lastYear: number): string {
  return [random.integer(firstYear, lastYear), random.integer(1, 12), random.integer(1, 28)].map(two).join('-');
}

/** By day only: the hour that a change to summer time skips or repeats would be another story. */
function time(random: Random, firstYear: number, lastYear: number): string {
  const clock = [random.integer(6, 22), random.integer(0, 59), random.integer(0, 59)].map(two).join(':');
  return `${date(random, firstYear, lastYear)} ${clock}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

function cents(amount: number): string {
  return `${Math.floor(amount / 100)}.${two(amount % 100)}`;
}

function hex(random: Random, length: number): string {
  return Array.from({ length }, () => random.integer(0, 15).toString(16)).join('');
}
