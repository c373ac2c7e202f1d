-- A web shop as it has grown since 2014: three generations of character sets, zero dates, numbers kept as text.
-- Runs on MySQL 5.6 to 9.x and on MariaDB.

SET SESSION sql_mode = '';

CREATE TABLE countries (
  id   SMALLINT UNSIGNED NOT NULL,
  iso2 CHAR(2) NOT NULL,
  name VARCHAR(60) NOT NULL,
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE users (
  id             INT UNSIGNED NOT NULL AUTO_INCREMENT,
  email          VARCHAR(190) CHARACTER SET utf8 DEFAULT NULL,
  first_name     VARCHAR(60) CHARACTER SET utf8 NOT NULL DEFAULT '',
  last_name      VARCHAR(60) CHARACTER SET utf8 NOT NULL DEFAULT '',
  company        VARCHAR(80) DEFAULT NULL,                          -- latin1: older than the first foreign customer
  user_status    ENUM('A', 'N', 'C', 'G') NOT NULL DEFAULT 'N',     -- active, new, closed, guest
  customer_group VARCHAR(20) NOT NULL DEFAULT 'Retail',             -- free text, filled from a drop-down
  interests      SET('shoes', 'bags', 'outdoor', 'kids', 'sale', 'fax') NOT NULL DEFAULT '',
  newsletter     TINYINT(1) NOT NULL DEFAULT 0,
  loyalty_points VARCHAR(20) DEFAULT NULL,                          -- a number, most of the time
  birthday       DATE NOT NULL DEFAULT '0000-00-00',
  country_id     SMALLINT UNSIGNED DEFAULT NULL,
  password_hash  CHAR(32) NOT NULL DEFAULT '',
  login_count    INT UNSIGNED NOT NULL DEFAULT 0,
  registered_at  DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00',   -- the shop's local time, Europe/Berlin
  last_login     DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at     TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  KEY email (email),
  KEY country_id (country_id)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE user_cim_details (
  user_id    INT UNSIGNED NOT NULL,
  phone      VARCHAR(40) DEFAULT NULL,
  street     VARCHAR(120) CHARACTER SET utf8 DEFAULT NULL,
  zip        VARCHAR(12) DEFAULT NULL,
  city       VARCHAR(80) CHARACTER SET utf8 DEFAULT NULL,
  notes      MEDIUMTEXT CHARACTER SET utf8mb4,                         -- the only column that was migrated
  consent_at TIMESTAMP NULL DEFAULT NULL,
  PRIMARY KEY (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE orders (
  id           BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  order_number VARCHAR(20) NOT NULL,
  user_id      INT UNSIGNED NOT NULL,
  state        ENUM('open', 'paid', 'shipped', 'cancelled') NOT NULL DEFAULT 'open',
  total        DECIMAL(10,2) NOT NULL DEFAULT '0.00',
  ordered_at   DATETIME NOT NULL DEFAULT '0000-00-00 00:00:00',
  updated_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  PRIMARY KEY (id),
  UNIQUE KEY order_number (order_number),
  KEY user_id (user_id)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;

CREATE TABLE order_items (
  id       BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  order_id BIGINT UNSIGNED NOT NULL,
  sku      VARCHAR(20) NOT NULL,
  quantity SMALLINT UNSIGNED NOT NULL DEFAULT 1,
  price    DECIMAL(10,2) NOT NULL DEFAULT '0.00',
  PRIMARY KEY (id),
  KEY order_id (order_id)
) ENGINE=InnoDB DEFAULT CHARSET=latin1;
