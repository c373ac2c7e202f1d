/** A HubSpot property, as far as a sync needs it. Source: GET /crm/v3/properties/{type}. */
export type Definition = {
  name: string;
  label: string;
  /** string, number, bool, enumeration, date, datetime, phone_number, json, object_coordinates */
  type: string;
  /** `checkbox` takes several options at once. */
  fieldType: string;
  options: { value: string; label: string }[];
  /** Options come from elsewhere (owners, …): they are not listed. */
  hasExternalOptions: boolean;
  isReadOnly: boolean;
  isUnique: boolean;
  isArchived: boolean;
};

export type Definitions = ReadonlyMap<string, Definition>;
