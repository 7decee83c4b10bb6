"""The bookshop, and six readers and their orders in place of its own."""

from pathlib import Path

BOOKSHOP = Path(__file__).parent / "data" / "bookshop"
READERS = "code\tfirst\tlast\n" + "".join(f"r{n}\tReader\tNo{n}\n" for n in range(1, 7))
ORDERS = "reader,book,stars,day\n" + "".join(
    f"r{n},{book},5,2024-01-0{n}\n"
    for n in range(1, 7)
    for book in (("b1", "b2") if n % 2 else ("b10", "b9"))
)
