"""The checker of the Open Repair Data Standard: rows as they are published, and a bad row of each kind."""

import pytest

from tests.tools.open_repair import HEADER, faults

ROW = {
    "id": "dehoek_12",
    "data_provider": "Repair Café International",
    "country": "NLD",
    "partner_product_category": "Household ~ Kettle",
    "product_category": "Kettle",
    "product_category_id": "14",
    "brand": "Unknown",
    "year_of_manufacture": "",
    "product_age": "",
    "repair_status": "End of life",
    "repair_barrier_if_end_of_life": "Item too worn out",
    "group_identifier": "De Hoek",
    "event_date": "2026-12-05",
    "problem": "",
}
PUBLISHED = """\
fixitclinic_9,Fixit Clinic,USA,Mixer,Food processor,37,Acme,2009,11,Unknown,"",Fixit,2020-01-01,"No ""power"" now"
rcdenmark_2,Repair Café Denmark,DNK,Husholdning ~ Symaskine,Sewing machine,27,Acme,"","",Fixed,"",By,2025-04-01,""
repconn_1,Repair Connects,BEL,Fan,Fan,7,Acme,"",2.5,End of life,Lack of equipment,Stad,2022-03-10,Start niet\\r\\nmeer
rcwales_3,Repair Cafe Wales,GBR,Electrical ~ Iron,Iron,40,Unknown,"","",Repairable,"",Town,2017-04-01,-. no power
"""
"""In the form of published rows; their words are made up."""


def file_of(*rows: dict[str, str]) -> str:
    lines = (",".join(f'"{cell}"' for cell in row.values()) for row in rows)
    return "\n".join((HEADER, *lines)) + "\n"


def test_rows_as_they_are_published_have_no_fault() -> None:
    assert faults(f"{HEADER}\n{PUBLISHED}".encode()) == []
    assert faults(file_of(ROW).encode()) == []
    assert (
        faults(file_of({**ROW, "product_category": "", "product_category_id": "", "data_provider": ""}).encode()) == []
    )


@pytest.mark.parametrize(
    ("field", "cell"),
    [
        *(("id", one) for one in ("dehoek-12", "12", "DeHoek_12", "dehoek_", "")),
        *(("country", one) for one in ("NL", "nld", "Netherlands", "XXX", "")),
        ("partner_product_category", ""),
        *(("product_category", one) for one in ("kettle", "Household", "Unpowered - Textile", "Toaster", "")),
        *(("product_category_id", one) for one in ("15", "014", "")),
        ("brand", ""),
        *(("year_of_manufacture", one) for one in ("98", "1998.0", "unknown")),
        *(("product_age", one) for one in ("2.55", "2,5", "-1", "about 3")),
        *(("repair_status", one) for one in ("fixed", "End Of Life", "Half", "")),
        ("repair_status", "Repairable"),
        *(("repair_barrier_if_end_of_life", one) for one in ("Too worn out", "Product cannot be opened", "Unknown")),
        ("group_identifier", ""),
        *(("event_date", one) for one in ("5-12-2026", "2026-02-30", "2026-1-1", "")),
        *(
            ("problem", one)
            for one in ("call +31 6 12345678", "0612345678", "a@example.org", "=1+1", "@x", "a\nb", " a")
        ),
    ],
)
def test_one_bad_cell_is_found(field: str, cell: str) -> None:
    (found, *_more) = faults(file_of({**ROW, field: cell}).encode())
    assert found.startswith("row 2: ")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"\xef\xbb\xbf" + file_of(ROW).encode(), "file: begins with a byte order mark"),
        (file_of(ROW).replace("\n", "\r\n").encode(), "file: has a carriage return"),
        (file_of(ROW).encode("latin-1"), "file: is not UTF-8"),
        (file_of(ROW).strip().encode(), "file: its last line does not end"),
        (file_of(ROW).replace("brand", "Brand", 1).encode(), "header: "),
        (file_of(ROW).replace("id,data_provider", "data_provider,id", 1).encode(), "header: "),
        (file_of(ROW).replace(",", ";").encode(), "header: "),
        (file_of(ROW, ROW).encode(), "row 3: id dehoek_12 is there twice"),
        (f"{HEADER}\na,b\n".encode(), "row 2: has 2 cells"),
        (b"", "file: its last line does not end"),
    ],
)
def test_a_bad_file_is_found(content: bytes, fault: str) -> None:
    found = faults(content)
    assert any(one.startswith(fault) for one in found), found
