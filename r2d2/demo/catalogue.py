"""The datasets of the demo lake: how each is derived, and in what it is contained because of that.

The truth is planted here, not computed: each line names the datasets that hold its rows (``inside``) or the same rows
(``equal``), and ``build_demo`` closes that under transitivity. Lines without either hold something nobody else has.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from r2d2.demo.writers import Writer, hive, json_array, json_lines, parquet, parts, separated

BASE_TABLES = ("region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem")
#: Days before the last order on which a snapshot of the orders was taken.
SNAPSHOT_DAYS = ("1998-07-30", "1998-07-31", "1998-08-01", "1998-08-02")


@dataclass(frozen=True)
class Planted:
    """One dataset of the demo.

    Attributes:
        id: path relative to the lake.
        query: how its rows are derived from the base tables (DuckDB SQL).
        write: its layout.
        equal: datasets that hold the same rows over the same leaves.
        inside: datasets that hold its rows, beyond those that follow by transitivity.
        trap: what is wrong with it, where it only looks redundant.
    """

    id: str
    query: str
    write: Writer
    equal: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    trap: str = ""


_LINEITEM = "warehouse/lineitem.parquet"
_LINES_1996 = "finance/lineitem_1996.parquet"
_ORDERS = "warehouse/orders.parquet"
_CUSTOMER = "warehouse/customer.parquet"
_SUPPLIER = "warehouse/supplier.parquet"
_PART = "warehouse/part.parquet"
_NESTED = "warehouse/supplier_profile.parquet"
_YEAR_1996 = "l_shipdate BETWEEN DATE '1996-01-01' AND DATE '1996-12-31'"
#: The row that the traps of the lines change; every slice and sample of the lines below holds it.
_A_LINE = (
    f"(l_orderkey, l_linenumber) = (SELECT (l_orderkey, l_linenumber) FROM lineitem WHERE {_YEAR_1996}"
    " ORDER BY l_orderkey, l_linenumber LIMIT 1)"
)
#: The row that the traps of the orders change.
_AN_ORDER = "o_orderkey = (SELECT min(o_orderkey) FROM orders WHERE year(o_orderdate) = 1997)"

_LINES = (
    Planted(
        "archive/lineitem_full",
        "FROM lineitem ORDER BY l_shipdate, l_orderkey DESC, l_linenumber",
        parts(4, "zstd", 5_000),
        equal=(_LINEITEM,),
    ),
    Planted("warehouse/lineitem_by_mode", "FROM lineitem", hive("l_shipmode"), equal=(_LINEITEM,)),
    Planted(
        "finance/lineitem_pricing.parquet",
        "SELECT l_orderkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax FROM lineitem",
        parquet("gzip"),
        inside=(_LINEITEM,),
    ),
    Planted(_LINES_1996, f"FROM lineitem WHERE {_YEAR_1996}", parquet(), inside=(_LINEITEM,)),
    Planted(
        "finance/lineitem_1996_pricing.csv.gz",
        "SELECT l_orderkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax"
        f" FROM lineitem WHERE {_YEAR_1996}",
        separated(compressed=True),
        inside=("finance/lineitem_pricing.parquet", _LINES_1996),
    ),
    Planted(
        "archive/lineitem_1996_monthly",
        "SELECT *, year(l_shipdate) AS year, format('{:02d}', month(l_shipdate)) AS month"
        f" FROM lineitem WHERE {_YEAR_1996}",
        hive("year", "month"),
        trap="its partition columns are columns that no other dataset has",
    ),
    Planted(
        "marketing/ship_modes.parquet",
        "SELECT DISTINCT l_shipmode, l_shipinstruct FROM lineitem ORDER BY ALL",
        parquet(),
        inside=(_LINES_1996, "scratch/lineitem_sample.parquet", "scratch/lineitem_shuffled.parquet"),
    ),
    Planted(
        "scratch/lineitem_sample.parquet",
        f"FROM lineitem WHERE (l_orderkey * 7919 + l_linenumber * 104729) % 100 < 2 OR {_A_LINE}",
        parquet("none"),
        inside=(_LINEITEM,),
    ),
    Planted(
        "scratch/lineitem_shuffled.parquet",
        "SELECT l.* REPLACE (lag(l_extendedprice, 1, 1.00) OVER (ORDER BY l_orderkey, l_linenumber)"
        " AS l_extendedprice) FROM lineitem l",
        parquet(),
        trap="one column is shuffled: each column holds the same values, no row does",
    ),
    Planted(
        "scratch/lineitem_1996_dup.parquet",
        f"FROM lineitem WHERE {_YEAR_1996} UNION ALL FROM lineitem WHERE {_A_LINE}",
        parquet(),
        trap="one row is there twice",
    ),
)

_ORDER_COPIES = (
    Planted("exports/orders.csv", "FROM orders ORDER BY o_orderdate, o_orderkey", separated(), equal=(_ORDERS,)),
    Planted("exports/orders.jsonl", "FROM orders", json_lines, equal=(_ORDERS,)),
    Planted("exports/orders_spark", "FROM orders ORDER BY o_clerk, o_orderkey", parts(3), equal=(_ORDERS,)),
    Planted("archive/orders_by_status", "FROM orders", hive("o_orderstatus"), equal=(_ORDERS,)),
    Planted(
        "exports/orders_last_days",
        "FROM orders WHERE o_orderdate >= DATE '1998-07-27'",
        hive("o_orderdate"),
        inside=(_ORDERS, "scratch/orders_fixed.parquet", "scratch/orders_null.parquet"),
    ),
    Planted(
        "finance/orders_1997.parquet",
        "FROM orders WHERE year(o_orderdate) = 1997",
        parquet("brotli"),
        inside=("snapshots/orders/1998-07-30",),
    ),
    Planted(
        "marketing/order_dates.tsv",
        "SELECT o_orderkey, o_custkey, o_orderdate FROM orders",
        separated("\t"),
        inside=(
            _ORDERS,
            "scratch/orders_fixed.parquet",
            "scratch/orders_null.parquet",
            "scratch/orders_renamed.parquet",
        ),
    ),
    Planted(
        "scratch/orders_fixed.parquet",
        f"SELECT * REPLACE (o_totalprice + CASE WHEN {_AN_ORDER} THEN 0.01 ELSE 0.00 END AS o_totalprice) FROM orders",
        parquet(),
        trap="one row is changed by a cent",
    ),
    Planted(
        "scratch/orders_null.parquet",
        f"SELECT * REPLACE (CASE WHEN {_AN_ORDER} THEN NULL ELSE o_comment END AS o_comment) FROM orders",
        parquet(),
        trap="one value is NULL",
    ),
    Planted(
        "scratch/orders_renamed.parquet",
        "SELECT * RENAME (o_totalprice AS total_price) FROM orders",
        parquet(),
        trap="a column is renamed",
    ),
)

_ORDER_SNAPSHOTS = tuple(
    Planted(
        f"snapshots/orders/{day}",
        f"FROM orders WHERE o_orderdate <= DATE '{day}'",
        parts(1),
        inside=(f"snapshots/orders/{later}",) if later else (),
        equal=() if later else (_ORDERS,),
    )
    for day, later in zip(SNAPSHOT_DAYS, (*SNAPSHOT_DAYS[1:], ""), strict=True)
)

_CUSTOMERS = (
    Planted("exports/customer.json", "FROM customer ORDER BY c_name DESC", json_array, equal=(_CUSTOMER,)),
    Planted(
        "marketing/customers_europe.parquet",
        "SELECT c.* FROM customer c JOIN nation ON c_nationkey = n_nationkey JOIN region ON n_regionkey = r_regionkey"
        " WHERE r_name = 'EUROPE' ORDER BY c_custkey",
        parquet(),
        inside=(_CUSTOMER,),
    ),
    Planted(
        "marketing/Top Customers (final) v2.csv",
        "SELECT c_custkey, c_name, c_acctbal, c_mktsegment FROM customer ORDER BY c_acctbal DESC, c_custkey LIMIT 100",
        separated(),
        inside=(_CUSTOMER,),
    ),
    Planted(
        "marketing/segments.parquet",
        "SELECT DISTINCT c_mktsegment, c_nationkey FROM customer ORDER BY ALL",
        parquet(),
        inside=(_CUSTOMER, "scratch/customer_truncated.parquet"),
    ),
    Planted(
        "scratch/customer_truncated.parquet",
        "SELECT * REPLACE (left(c_name, 17) AS c_name) FROM customer",
        parquet(),
        trap="names are cut after 17 characters",
    ),
    Planted(
        "scratch/customers_plus_one.parquet",
        "FROM customer UNION ALL SELECT * REPLACE (c_custkey + 1_000_000_000 AS c_custkey) FROM customer"
        " WHERE c_custkey = 1",
        parquet(),
        trap="one row more than the table that it was copied from",
    ),
)

_PARTS = (
    Planted("exports/part.tsv", "FROM part", separated("\t"), equal=(_PART,)),
    Planted(
        "finance/part_prices.parquet",
        "SELECT p_partkey, p_name, p_retailprice FROM part",
        parquet(),
        inside=(_PART, "scratch/part_swapped.parquet"),
    ),
    Planted(
        "scratch/part_swapped.parquet",
        "SELECT * REPLACE (p_brand AS p_mfgr, p_mfgr AS p_brand) FROM part",
        parquet(),
        trap="two columns are swapped",
    ),
    Planted(
        "finance/partsupp_costs.parquet",
        "SELECT ps_partkey::INTEGER AS ps_partkey, ps_suppkey::SMALLINT AS ps_suppkey,"
        " ps_supplycost::DECIMAL(18, 4) AS ps_supplycost FROM partsupp",
        parquet(),
        inside=("warehouse/partsupp.parquet",),
    ),
    Planted(
        "finance/partsupp_double.parquet",
        "SELECT * REPLACE (ps_supplycost::DOUBLE AS ps_supplycost) FROM partsupp",
        parquet(),
        trap="a decimal is stored as double",
    ),
    Planted(
        "finance/region_upper.parquet",
        "SELECT r_regionkey AS R_REGIONKEY, r_name AS R_NAME, r_comment AS R_COMMENT FROM region",
        parquet(),
        equal=("warehouse/region.parquet",),
    ),
)


def _profiles(address: str, offers: str, facts: str) -> str:
    return (
        f"SELECT s_suppkey, CASE WHEN s_suppkey % 10 = 0 THEN {address} ELSE {{'street': s_address, 'nation':"
        f" {{'name': n_name, 'region': r_name}}}} END AS address, {offers} AS offers, MAP {facts} AS facts"
        " FROM supplier JOIN nation ON s_nationkey = n_nationkey JOIN region ON n_regionkey = r_regionkey"
        " JOIN (SELECT ps_suppkey, list({'part': ps_partkey, 'cost': ps_supplycost} ORDER BY ps_partkey) AS listed"
        " FROM partsupp GROUP BY ps_suppkey) ON s_suppkey = ps_suppkey"
    )


_FACTS = "{'phone': s_phone, 'comment': s_comment}"
_NO_FIELDS = "{'street': NULL, 'nation': NULL}"

_NESTED_TABLES = (
    Planted(_NESTED, _profiles("NULL", "listed", _FACTS) + " ORDER BY s_suppkey", parquet()),
    Planted(
        "archive/supplier_profile",
        _profiles("NULL", "listed", "{'comment': s_comment, 'phone': s_phone}") + " ORDER BY s_suppkey DESC",
        parts(2),
        equal=(_NESTED,),
    ),
    Planted(
        "marketing/supplier_regions.parquet",
        "SELECT s_suppkey, CASE WHEN address IS NULL THEN NULL ELSE {'nation': address.nation} END AS address"
        f" FROM ({_profiles('NULL', 'listed', _FACTS)}) ORDER BY s_suppkey",
        parquet(),
        inside=(_NESTED, "scratch/supplier_profile_reversed.parquet"),
    ),
    Planted(
        "scratch/supplier_profile_nulls.parquet",
        _profiles(_NO_FIELDS, "listed", _FACTS) + " ORDER BY s_suppkey",
        parquet(),
        trap="a missing address became an address of NULLs",
    ),
    Planted(
        "scratch/supplier_profile_reversed.parquet",
        _profiles("NULL", "list_reverse(listed)", _FACTS) + " ORDER BY s_suppkey",
        parquet(),
        trap="lists are in another order",
    ),
)

_ODD = 'SELECT r_regionkey AS "id;--", r_name AS "a""b", r_comment AS "🚀 note\t[x]" FROM region'

_ODD_NAMES = (
    Planted('scratch/it\'s "final" [v2] copy.parquet', "FROM supplier", parquet("zstd"), equal=(_SUPPLIER,)),
    Planted("scratch/suppliers[ab]", "FROM supplier WHERE s_suppkey % 2 = 0", parts(1), inside=(_SUPPLIER,)),
    Planted("scratch/suppliersa", "FROM supplier WHERE s_suppkey % 3 = 0", parts(1), inside=(_SUPPLIER,)),
    Planted(
        "marketing/🚀 launch.csv",
        "SELECT s_suppkey, s_name, s_phone FROM supplier WHERE s_suppkey % 6 = 0",
        separated(),
        inside=("scratch/suppliers[ab]", "scratch/suppliersa"),
    ),
    Planted("archive/odd; columns--.parquet", _ODD, parquet()),
    Planted(
        "scratch/odd columns.parquet",
        f"{_ODD} WHERE r_regionkey < 3",
        parquet(),
        inside=("archive/odd; columns--.parquet",),
    ),
)

PLANTED = (*_LINES, *_ORDER_COPIES, *_ORDER_SNAPSHOTS, *_CUSTOMERS, *_PARTS, *_NESTED_TABLES, *_ODD_NAMES)

#: A table in which two columns differ only in case: an error, since Spark can't tell them apart.
CASE_PAIR = pa.table({"Amount": [1, 2, 3], "amount": [1, 2, 4], "day": ["mon", "tue", "wed"]})
