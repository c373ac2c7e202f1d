import { mappingOf } from './captured.ts';

export const where = 'WHERE u.id IN (:ids)';
/** Of `users` alone, with its `details`, and with its `countries`. */
export const rootOnly = mappingOf(`SELECT u.id AS source_id, u.email FROM users u ${where}`);
export const withDetails = mappingOf(
  `SELECT u.id AS source_id, u.email, d.phone FROM users u LEFT JOIN details d ON d.user_id = u.id ${where}`,
);
export const withCountries = mappingOf(
  `SELECT u.id AS source_id, u.email, c.name AS country FROM users u LEFT JOIN countries c ON c.id = u.country_id ${where}`,
);
