import type { Value } from './random.ts';

/** A user HubSpot cannot take: `code` is what ends up as `error_code` in hubspot_data. */
export type BadUser = {
  id: number;
  code: string;
  why: string;
  user?: Record<string, Value>;
  details?: Record<string, Value>;
};

/** One of each kind of mess ten years of forms and imports have left behind. They lie in different batches of 100. */
export const badUsers: BadUser[] = [
  { id: 17, code: 'INVALID_EMAIL', why: 'e-mail address without a domain', user: { email: 'jane.doe@' } },
  { id: 42, code: 'MISSING_MATCH', why: 'no e-mail address', user: { email: null } },
  { id: 99, code: 'INVALID_VALUE', why: 'text in a number', user: { loyalty_points: 'about 1.200' } },
  { id: 143, code: 'DUPLICATE_MATCH', why: 'same e-mail address as user 142', user: { email: 'shared@example.com' } },
  {
    id: 256,
    code: 'INVALID_VALUE',
    why: 'customer group that HubSpot has no option for',
    user: { customer_group: 'Wholesale (old)' },
  },
  { id: 310, code: 'INVALID_VALUE', why: 'birthday without a day', user: { birthday: '1984-07-00' } },
  { id: 404, code: 'MISSING_MATCH', why: 'e-mail address left empty', user: { email: '' } },
  {
    id: 555,
    code: 'INVALID_VALUE',
    why: 'note longer than 65,536 characters',
    details: { notes: 'Called again. '.repeat(5000) },
  },
  { id: 777, code: 'INVALID_VALUE', why: 'interest that HubSpot has no option for', user: { interests: 'shoes,fax' } },
  { id: 1024, code: 'INVALID_VALUE', why: 'decimal comma', user: { loyalty_points: '12,5' } },
  {
    id: 1111,
    code: 'INVALID_EMAIL',
    why: 'two addresses in one field',
    user: { email: 'max@example.com, erika@example.com' },
  },
  {
    id: 1501,
    code: 'DUPLICATE_MATCH',
    why: 'e-mail address of user 1500 in capitals',
    user: { email: 'INFO@EXAMPLE.ORG' },
  },
  {
    id: 1999,
    code: 'INVALID_EMAIL',
    why: 'blank inside the e-mail address',
    user: { email: 'erika mustermann@example.com' },
  },
];

/** Who holds, rightfully, the addresses that bad users claim too. */
export const holders = new Map<number, string>([
  [142, 'shared@example.com'],
  [1500, 'info@example.org'],
]);
