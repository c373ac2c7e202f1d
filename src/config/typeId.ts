// HubSpot knows its own types by several names: https://developers.hubspot.com/docs/guides/crm/understanding-the-crm
const TYPE_IDS = new Map(
  Object.entries({
    contact: '0-1',
    contacts: '0-1',
    company: '0-2',
    companies: '0-2',
    deal: '0-3',
    deals: '0-3',
    ticket: '0-5',
    tickets: '0-5',
    product: '0-7',
    products: '0-7',
  }),
);

/** One name for a HubSpot object type, whichever of its names it was given. */
export function typeId(type: string): string {
  const name = type.toLowerCase();
  return TYPE_IDS.get(name) ?? name;
}
