  IF NOT ({{unchanged}}) THEN
    {{new}}
    IF NOT ({{same_key}}) THEN
      {{old}}
    END IF;
  END IF;
