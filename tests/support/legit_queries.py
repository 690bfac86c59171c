"""Queries a trader may well ask of the tables `trades` and `bars` of the database tests, with their parameters."""

from typing import Any, Final

TRADES: Final = (
    "id",
    "created_at",
    "updated_at",
    "execution_id",
    "node_id",
    "symbol",
    "side",
    "volume",
    "profit",
    "opened_at",
    "tags",
    "note",
    "won",
)
BARS: Final = (
    "id",
    "created_at",
    "updated_at",
    "execution_id",
    "node_id",
    "time",
    "open",
    "high",
    "low",
    "close",
    "volume",
)

QUERIES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "everything": ("SELECT * FROM trades", {}),
    "table": ("TABLE bars", {}),
    "values": ("VALUES (1, 'a'), (2, 'b')", {}),
    "no table": ("SELECT 1 + 1 AS two, now() AS at, current_date AS today, pi() AS pi", {}),
    "parameters": (
        "SELECT id FROM trades WHERE symbol = :symbol AND profit > %(least)s AND opened_at >= :since",
        {"symbol": "EURUSD", "least": 0, "since": "2026-01-05T00:00:00Z"},
    ),
    "parameter list": ("SELECT count(*) FROM trades WHERE symbol = ANY(:symbols)", {"symbols": ["EURUSD", "XAUUSD"]}),
    "parameter number list": ("SELECT count(*) FROM trades WHERE id = ANY(:ids)", {"ids": [1, 2, 3]}),
    "parameter twice": ("SELECT :x::int + :x::int AS twice", {"x": 2}),
    "parameter null": ("SELECT count(*) FROM trades WHERE :x::text IS NULL OR symbol = :x", {"x": None}),
    "parameter object": ("SELECT id FROM trades WHERE tags @> :tags", {"tags": {"strategy": "breakout"}}),
    "aggregates": (
        "SELECT symbol, count(*) AS n, sum(profit) AS total, avg(profit), min(opened_at), max(opened_at),"
        " stddev_samp(profit), bool_and(won), count(*) FILTER (WHERE won) AS wins FROM trades GROUP BY symbol"
        " HAVING sum(profit) > -1000 ORDER BY total DESC NULLS LAST",
        {},
    ),
    "win rate": (
        "SELECT symbol, round(100.0 * count(*) FILTER (WHERE profit > 0) / nullif(count(*), 0), 1) AS win_pct"
        " FROM trades GROUP BY 1 ORDER BY 2 DESC",
        {},
    ),
    "profit factor": (
        "SELECT sum(CASE WHEN profit > 0 THEN profit ELSE 0 END)"
        " / nullif(-sum(CASE WHEN profit < 0 THEN profit ELSE 0 END), 0) AS profit_factor FROM trades",
        {},
    ),
    "equity curve": ("SELECT id, sum(profit) OVER (ORDER BY opened_at, id) AS equity FROM trades ORDER BY id", {}),
    "drawdown": (
        "WITH curve AS (SELECT id, sum(profit) OVER (ORDER BY id) AS equity FROM trades),"
        " peaks AS (SELECT id, equity, max(equity) OVER (ORDER BY id) AS peak FROM curve)"
        " SELECT max(peak - equity) AS drawdown FROM peaks",
        {},
    ),
    "moving average": (
        "SELECT time, close, avg(close) OVER (ORDER BY time ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) AS sma5"
        " FROM bars",
        {},
    ),
    "named window": (
        "SELECT time, lag(close) OVER w AS previous, close - lag(close, 1) OVER w AS change, first_value(open) OVER w,"
        " row_number() OVER w FROM bars WINDOW w AS (ORDER BY time)",
        {},
    ),
    "rank": (
        "SELECT symbol, rank() OVER (PARTITION BY side ORDER BY profit DESC) AS place, ntile(4) OVER () FROM trades",
        {},
    ),
    "last of each": ("SELECT DISTINCT ON (symbol) symbol, profit, opened_at FROM trades ORDER BY symbol, id DESC", {}),
    "join": (
        "SELECT t.symbol, t.profit, b.close FROM trades t JOIN bars b ON b.time = t.opened_at WHERE b.close > 1"
        " ORDER BY t.id LIMIT 5 OFFSET 2",
        {},
    ),
    "left join using": ("SELECT a.id, b.volume FROM trades a LEFT JOIN bars b USING (id) ORDER BY a.id", {}),
    "self join": ("SELECT a.id, b.id AS later FROM trades a CROSS JOIN trades b WHERE b.id = a.id + 1", {}),
    "lateral": (
        "SELECT t.id, b.close FROM trades t LEFT JOIN LATERAL (SELECT close FROM bars WHERE time <= t.opened_at"
        " ORDER BY time DESC LIMIT 1) b ON true",
        {},
    ),
    "subqueries": (
        "SELECT symbol FROM trades t WHERE profit > (SELECT avg(profit) FROM trades) AND EXISTS (SELECT 1 FROM bars b"
        " WHERE b.time = t.opened_at) AND id IN (SELECT id FROM trades WHERE won) AND id NOT IN (1, 2)",
        {},
    ),
    "qualified outputs of a subquery": (
        "SELECT s.symbol, s.count, s.total FROM (SELECT symbol, count(*), sum(profit) AS total FROM trades"
        " GROUP BY 1) s",
        {},
    ),
    "set operations": (
        "SELECT symbol FROM trades WHERE won UNION SELECT symbol FROM trades EXCEPT SELECT 'BTCUSD' ORDER BY 1",
        {},
    ),
    "groupings": ("SELECT symbol, side, sum(profit), grouping(symbol) FROM trades GROUP BY ROLLUP (symbol, side)", {}),
    "grouping sets": ("SELECT symbol, side, count(*) FROM trades GROUP BY GROUPING SETS ((symbol), (side), ())", {}),
    "percentiles": (
        "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY profit) AS median, mode() WITHIN GROUP (ORDER BY symbol)"
        " FROM trades",
        {},
    ),
    "statistics": ("SELECT corr(volume, profit), regr_slope(profit, volume), var_samp(profit) FROM trades", {}),
    "sharpe": (
        "SELECT avg(r) / nullif(stddev_samp(r), 0) * sqrt(252) AS sharpe FROM (SELECT close / lag(close) OVER"
        " (ORDER BY time) - 1 AS r FROM bars) x",
        {},
    ),
    "dates": (
        "SELECT date_trunc('day', opened_at) AS day, extract(dow FROM opened_at)::int AS weekday,"
        " opened_at AT TIME ZONE 'Europe/London' AS london, opened_at::date, age(opened_at),"
        " opened_at + interval '1 day',"
        " to_char(opened_at, 'YYYY-MM-DD HH24:MI') FROM trades WHERE opened_at > now() - interval '100 years'",
        {},
    ),
    "buckets": (
        "SELECT date_bin('4 hours', time, '2026-01-01T00:00:00Z') AS bucket, min(low), max(high),"
        " (array_agg(open ORDER BY time))[1] AS open, (array_agg(close ORDER BY time DESC))[1] AS close FROM bars"
        " GROUP BY 1 ORDER BY 1",
        {},
    ),
    "every day": (
        "SELECT d::date AS day, coalesce(sum(t.profit), 0) AS profit FROM generate_series('2026-01-01'::timestamptz,"
        " '2026-01-31', '1 day') d LEFT JOIN trades t ON t.opened_at::date = d::date GROUP BY 1 ORDER BY 1",
        {},
    ),
    "series of numbers": ("SELECT n, n * n AS square FROM generate_series(1, 10) n", {}),
    "series by parameters": ("SELECT count(*) FROM generate_series(1, :n)", {"n": 50}),
    "recursion": (
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 20) SELECT sum(n) FROM r",
        {},
    ),
    "compounding": (
        "WITH RECURSIVE r(n, money) AS (SELECT 0, 1000::float8 UNION ALL SELECT n + 1, money * 1.01 FROM r"
        " WHERE n < 12)"
        " SELECT n, round(money::numeric, 2) AS money FROM r",
        {},
    ),
    "json": (
        "SELECT tags->>'strategy' AS strategy, tags->'legs'->0 AS leg, tags#>>'{legs,1}' AS other,"
        " tags ? 'legs' AS has,"
        " jsonb_array_length(tags->'legs') AS n, (tags->'legs'->>0)::int + 1 AS next FROM trades WHERE tags @>"
        ' \'{"strategy": "breakout"}\'',
        {},
    ),
    "json rows": ("SELECT t.id, leg FROM trades t, jsonb_array_elements_text(t.tags->'legs') AS leg", {}),
    "json each": ("SELECT t.id, e.key, e.value FROM trades t CROSS JOIN LATERAL jsonb_each(t.tags) AS e", {}),
    "json made": (
        "SELECT jsonb_agg(jsonb_build_object('id', id, 'profit', profit) ORDER BY id) AS all_trades FROM trades",
        {},
    ),
    "json path": ("SELECT tags @? '$.legs[*] ? (@ > 5)' AS long_leg FROM trades", {}),
    "whole rows": ("SELECT to_jsonb(t) AS trade FROM trades t", {}),
    "recordset": (
        "SELECT * FROM jsonb_to_recordset(:rows) AS r(symbol text, lots float8)",
        {"rows": [{"symbol": "EURUSD", "lots": 0.1}]},
    ),
    "arrays": (
        "SELECT array_agg(DISTINCT symbol ORDER BY symbol) AS symbols, string_agg(symbol, ', ' ORDER BY id),"
        " array_to_string(ARRAY['a', 'b'], '-'), cardinality(ARRAY[1, 2, 3]), (ARRAY[1, 2, 3])[2 : 3] FROM trades",
        {},
    ),
    "unnest": ("SELECT s, n FROM unnest(ARRAY['a', 'b']) WITH ORDINALITY AS u(s, n)", {}),
    "texts": (
        "SELECT upper(symbol), left(symbol, 3) AS base, right(symbol, 3) AS quote, substring(symbol FROM 4 FOR 3) AS q,"
        " symbol || '/' || side, length(note), trim(note), split_part(note, ' ', 2), position('USD' IN symbol),"
        " replace(symbol, 'USD', '/USD'), concat_ws('-', symbol, side), format('%s %s', symbol, side),"
        " lpad(id::text, 5, '0'), initcap(side), md5(symbol) FROM trades",
        {},
    ),
    "patterns": (
        "SELECT id FROM trades WHERE symbol LIKE '%USD' AND note ILIKE 'NOTE%' OR symbol ~ '^(EUR|XAU)'"
        " OR symbol NOT LIKE 'B%' OR symbol SIMILAR TO '(EUR|BTC)%' OR substring(note FROM '[0-9]+') = '4'",
        {},
    ),
    "conditions": (
        "SELECT CASE side WHEN 'buy' THEN 1 ELSE -1 END AS sign, coalesce(note, 'none') AS note, greatest(profit, 0),"
        " least(volume, 0.3), nullif(side, 'buy'), profit IS DISTINCT FROM 0 AS moved,"
        " won IS TRUE AS sure, note IS NOT NULL AS noted,"
        " profit BETWEEN -10 AND 10 AS small, NOT won AS lost FROM trades",
        {},
    ),
    "numbers": (
        "SELECT abs(profit), round(profit::numeric, 2), ceil(volume), floor(volume), trunc(profit), sign(profit),"
        " mod(id, 7), id % 3 AS rest, power(volume, 2), volume ^ 2 AS square, sqrt(abs(profit)), ln(volume + 1),"
        " exp(volume),"
        " width_bucket(profit, -100, 100, 10), 1.5e-3 AS small, -profit AS lost FROM trades",
        {},
    ),
    "casts": (
        "SELECT '5'::int AS a, CAST('1.5' AS numeric(10, 2)) AS b, '2026-01-01'::date AS c, id::text AS d,"
        " profit::int AS e, won::int AS f, '{1,2}'::int[]  AS g, '1 day'::interval AS h, date '2026-01-01' AS i"
        " FROM trades",
        {},
    ),
    "values as a table": (
        "SELECT v.symbol, v.lots FROM (VALUES ('EURUSD', 0.1), ('XAUUSD', 0.2)) AS v(symbol, lots)",
        {},
    ),
    "materialized": ("WITH t AS MATERIALIZED (SELECT * FROM trades) SELECT count(*) FROM t", {}),
    "ties": ("SELECT symbol, profit FROM trades ORDER BY profit DESC FETCH FIRST 3 ROWS WITH TIES", {}),
    "comments": ("-- the total\nSELECT sum(profit) /* all of it */ AS total FROM trades", {}),
    "quoted names": ('SELECT "symbol" AS "Symbol", sum("profit") AS "My profit" FROM "trades" GROUP BY 1', {}),
    "row compare": ("SELECT count(*) FROM trades WHERE (symbol, side) = ('EURUSD', 'buy')", {}),
    "any and all": ("SELECT id FROM trades WHERE profit > ALL (SELECT -1000) AND symbol <> ALL (ARRAY['x'])", {}),
    "named arguments": ("SELECT now() - make_interval(days => 7) AS week_ago", {}),
    "overlaps": ("SELECT (date '2026-01-01', date '2026-01-05') OVERLAPS (date '2026-01-04', date '2026-01-09')", {}),
    "sorted plainly": ('SELECT symbol FROM trades ORDER BY symbol COLLATE "C" DESC, id', {}),
    "scalar in a list": ("SELECT (SELECT count(*) FROM bars) AS bars, (SELECT max(close) FROM bars) AS high", {}),
}
