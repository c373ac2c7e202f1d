import type { KeyKind } from '../keys.ts';
import type { RecordsSql } from '../outbox/fold.ts';

/**
 * One way by which a table's rows lead to an object's records. Its trigger notes a value of the changed row; what the
 * value means is stored with it, so that marks noted under an earlier mapping are still followed.
 */
export type Watch = {
  /** The object's name in the mapping. */
  object: string;
  table: string;
  /** A change of any of these matters; inserted and deleted rows always do. Sorted, as the catalog spells them. */
  columns: string[];
  /** The column whose value is noted, of the old row and of the new where they differ. */
  note: { column: string; kind: KeyKind };
  /** Null: the noted value is the record's id. */
  records: RecordsSql | null;
  /** How the record's key is written. */
  keyKind: KeyKind;
  /** For people: `order_items.order_id = orders.id`, one step after the other, from this table to the record. */
  path: string[];
  isDerived: boolean;
};
