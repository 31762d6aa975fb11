"""The fixed parts of a workbook (ECMA-376): what it consists of, its styles, and what surrounds the rows of a sheet."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import quoteattr

_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_MAX_TITLE = 31
"""Characters of a sheet's name."""

CONTENT_TYPE = f"{_SPREADSHEET}.sheet"

_STYLES = f"""{_HEAD}<styleSheet xmlns="{_MAIN}">
<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/></numFmts>
<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>
<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>
<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>
<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>
</styleSheet>"""


def sheet_name(number: int) -> str:
    """Return where a sheet stands in the archive."""
    return f"xl/worksheets/sheet{number}.xml"


def letter(index: int) -> str:
    """Name a column, counted from 0: A to Z, then AA."""
    return chr(ord("A") + index) if index < 26 else letter(index // 26 - 1) + letter(index % 26)


def sheet_head(widths: Sequence[int]) -> str:
    """Write what comes before the rows: the first line stays in view, and columns are as wide as what they hold."""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width}" customWidth="1"/>'
        for number, width in enumerate(widths, 1)
    )
    return (
        f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>"
    )


def sheet_foot(last_column: str, lines: int) -> str:
    """Write what comes behind the rows: each column can be filtered by what it holds."""
    return f'</sheetData><autoFilter ref="A1:{last_column}{lines}"/></worksheet>'


def list_frame(title: str, sheets: int) -> Iterator[tuple[str, str]]:
    """List the parts beside the sheets, each with its place in the archive, now that the sheets are known."""
    numbers = range(1, sheets + 1)
    yield "xl/styles.xml", _STYLES
    yield "xl/workbook.xml", _workbook(title, numbers)
    yield "xl/_rels/workbook.xml.rels", _workbook_relations(numbers)
    yield (
        "_rels/.rels",
        _relations(f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'),
    )
    yield "[Content_Types].xml", _content_types(numbers)


def _workbook(title: str, numbers: range) -> str:
    names = [title[:_MAX_TITLE] if number == 1 else f"{title[: _MAX_TITLE - 4]} {number}" for number in numbers]
    sheets = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"/>'
        for number, name in zip(numbers, names, strict=True)
    )
    return f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>'


def _workbook_relations(numbers: range) -> str:
    sheets = [
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        for number in numbers
    ]
    styles = f'<Relationship Id="rId{len(numbers) + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    return _relations("".join([*sheets, styles]))


def _relations(relations: str) -> str:
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>'


def _content_types(numbers: range) -> str:
    own = [("xl/workbook.xml", "sheet.main"), ("xl/styles.xml", "styles")]
    own += [(sheet_name(number), "worksheet") for number in numbers]
    overrides = "".join(f'<Override PartName="/{name}" ContentType="{_SPREADSHEET}.{kind}+xml"/>' for name, kind in own)
    return (
        f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
    )
