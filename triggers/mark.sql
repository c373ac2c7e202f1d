IF {{column}} IS NOT NULL THEN INSERT INTO hubspot_mark (watch, source_key, session, noted_at) VALUES ({{watch}}, {{key}}, CONNECTION_ID(), UTC_TIMESTAMP(6)); END IF;
