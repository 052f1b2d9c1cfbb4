-- What triggers would have written and 2_rows.sql does not count beforehand. A new counter or side table adds its
-- statement, which is run when all rows are there.

UPDATE services SET taken = counted.people FROM (
    SELECT service_id, count(*) AS people FROM bookings WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY service_id
) AS counted WHERE counted.service_id = services.id;
