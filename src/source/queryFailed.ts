/** The query cannot be run: on one record, which is poison then, or at all, and the object pauses. */
export const QUERY_FAILED = 'QUERY_FAILED';
