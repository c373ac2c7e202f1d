export type PropertyDefinition = {
  name: string;
  label: string;
  type: string;
  fieldType: string;
  groupName: string;
  options: { value: string; label: string; hidden: boolean; displayOrder: number }[];
  hasUniqueValue: boolean;
  calculated: boolean;
  externalOptions: boolean;
  archived: boolean;
  modificationMetadata: { archivable: boolean; readOnlyDefinition: boolean; readOnlyValue: boolean };
};

/** What a caller says of a property. */
export type Short = Partial<Omit<PropertyDefinition, 'options'>> & {
  name: string;
  options?: { value: string; label?: string }[];
  isReadOnly?: boolean;
};

/** A definition as HubSpot gives it. */
export function define({ name, options = [], isReadOnly = false, ...rest }: Short): PropertyDefinition {
  const type = rest.type ?? 'string';
  return {
    label: name,
    fieldType: FIELD_TYPES[type] ?? 'text',
    groupName: 'information',
    hasUniqueValue: false,
    calculated: false,
    externalOptions: false,
    archived: false,
    ...rest,
    name,
    type,
    options: options.map(({ value, label = value }, displayOrder) => ({ value, label, hidden: false, displayOrder })),
    modificationMetadata: { archivable: true, readOnlyDefinition: false, readOnlyValue: isReadOnly },
  };
}

const FIELD_TYPES: Record<string, string> = {
  number: 'number',
  date: 'date',
  datetime: 'date',
  bool: 'booleancheckbox',
  enumeration: 'select',
  phone_number: 'phonenumber',
};

/** The types a property's values may have. */
export const TYPES_OF_VALUES = ['string', 'json', 'object_coordinates', ...Object.keys(FIELD_TYPES)];

const choices = (...values: string[]) =>
  values.map((value) => ({ value, label: value.replace(/^./, (first) => first.toUpperCase()) }));

const COMMON: Short[] = [
  { name: 'hs_object_id', type: 'number', isReadOnly: true },
  { name: 'createdate', type: 'datetime', isReadOnly: true },
  { name: 'hs_lastmodifieddate', type: 'datetime', isReadOnly: true },
  { name: 'hubspot_owner_id', type: 'enumeration', externalOptions: true },
];

const TYPES: Record<string, Short[]> = {
  contacts: [
    { name: 'email', label: 'Email' },
    { name: 'hs_additional_emails', label: 'Additional email addresses' },
    ...[
      'firstname',
      'lastname',
      'company',
      'website',
      'address',
      'city',
      'state',
      'zip',
      'country',
      'jobtitle',
      'salutation',
      'message',
    ].map((name) => ({ name })),
    { name: 'phone', type: 'phone_number' },
    { name: 'mobilephone', type: 'phone_number' },
    {
      name: 'lifecyclestage',
      type: 'enumeration',
      options: choices(
        'subscriber',
        'lead',
        'marketingqualifiedlead',
        'salesqualifiedlead',
        'opportunity',
        'customer',
        'evangelist',
        'other',
      ),
    },
    {
      name: 'hs_lead_status',
      type: 'enumeration',
      options: choices('NEW', 'OPEN', 'IN_PROGRESS', 'CONNECTED', 'UNQUALIFIED'),
    },
    { name: 'annualrevenue' },
    { name: 'date_of_birth' },
    { name: 'lastmodifieddate', type: 'datetime', isReadOnly: true },
    { name: 'num_associated_deals', type: 'number', calculated: true, isReadOnly: true },
  ],
  companies: [
    ...['name', 'domain', 'address', 'city', 'state', 'zip', 'country', 'phone', 'website', 'description'].map(
      (name) => ({ name }),
    ),
    { name: 'numberofemployees', type: 'number' },
    { name: 'annualrevenue', type: 'number' },
    { name: 'industry', type: 'enumeration', options: choices('RETAIL', 'BANKING', 'COMPUTER_SOFTWARE', 'OTHER') },
  ],
  deals: [
    { name: 'dealname' },
    { name: 'description' },
    { name: 'amount', type: 'number' },
    { name: 'closedate', type: 'datetime' },
    { name: 'pipeline', type: 'enumeration', options: choices('default') },
    {
      name: 'dealstage',
      type: 'enumeration',
      options: choices(
        'appointmentscheduled',
        'qualifiedtobuy',
        'presentationscheduled',
        'decisionmakerboughtin',
        'contractsent',
        'closedwon',
        'closedlost',
      ),
    },
  ],
  tickets: [
    { name: 'subject' },
    { name: 'content' },
    { name: 'hs_ticket_priority', type: 'enumeration', options: choices('LOW', 'MEDIUM', 'HIGH') },
  ],
  products: [{ name: 'name' }, { name: 'description' }, { name: 'price', type: 'number' }, { name: 'hs_sku' }],
};

const IDS: Record<string, string> = {
  '0-1': 'contacts',
  '0-2': 'companies',
  '0-3': 'deals',
  '0-5': 'tickets',
  '0-7': 'products',
};

/** The name under which an object type is kept; null when HubSpot has no such type. */
export function typeName(type: string): string | null {
  const name = IDS[type] ?? type;
  return name in TYPES || /^2-\d+$/.test(name) || /^p\d*_\w+$/.test(name) ? name : null;
}

/** The id of an object type, as messages name it. */
export function typeId(name: string): string {
  return Object.entries(IDS).find(([, known]) => known === name)?.[0] ?? name;
}

/** What an object type starts with. */
export function standardDefinitions(type: string): Map<string, PropertyDefinition> {
  return new Map([...COMMON, ...(TYPES[type] ?? [{ name: 'name' }])].map((short) => [short.name, define(short)]));
}
