-- When a counter came to be, in ns; NULL: before anybody took note of it.
ALTER TABLE counters ADD COLUMN born_at bigint;
