"""The units of measures in Wikipedia: how {{convert}} calls them, and how a reader sees them."""

import re
from typing import Literal, NamedTuple

Style = Literal["symbol", "name", "adjective"]
_POWER_OF_TEN = re.compile(r"e(?:3|6|9|12)(?=[a-zA-Z])|[kMGT](?=oilbbl|cuft)")
_POWERS = {
    "e3": "thousand",
    "k": "thousand",
    "e6": "million",
    "M": "million",
    "e9": "billion",
    "G": "billion",
    "e12": "trillion",
    "T": "trillion",
}
# The code, the symbol, the name of one, the name of many. Without names, the symbol is the name.
_UNIT_TABLE = """
km    | km     | kilometre          | kilometres
m     | m      | metre              | metres
cm    | cm     | centimetre         | centimetres
mm    | mm     | millimetre         | millimetres
μm    | μm     | micrometre         | micrometres
um    | μm     | micrometre         | micrometres
nm    | nm     | nanometre          | nanometres
mi    | mi     | mile               | miles
yd    | yd     | yard               | yards
ft    | ft     | foot               | feet
in    | in     | inch               | inches
nmi   | nmi    | nautical mile      | nautical miles
fathom| fathom | fathom             | fathoms
AU    | au     | astronomical unit  | astronomical units
ly    | ly     | light-year         | light-years
pc    | pc     | parsec             | parsecs
km2   | km²    | square kilometre   | square kilometres
m2    | m²     | square metre       | square metres
cm2   | cm²    | square centimetre  | square centimetres
mm2   | mm²    | square millimetre  | square millimetres
sqmi  | sq mi  | square mile        | square miles
mi2   | sq mi  | square mile        | square miles
sqft  | sq ft  | square foot        | square feet
ft2   | sq ft  | square foot        | square feet
sqyd  | sq yd  | square yard        | square yards
sqin  | sq in  | square inch        | square inches
ha    | ha     | hectare            | hectares
acre  | acres  | acre               | acres
acres | acres  | acre               | acres
km3   | km³    | cubic kilometre    | cubic kilometres
m3    | m³     | cubic metre        | cubic metres
cm3   | cm³    | cubic centimetre   | cubic centimetres
cc    | cc     | cubic centimetre   | cubic centimetres
cuft  | cu ft  | cubic foot         | cubic feet
ft3   | cu ft  | cubic foot         | cubic feet
cumi  | cu mi  | cubic mile         | cubic miles
cuyd  | cu yd  | cubic yard         | cubic yards
cuin  | cu in  | cubic inch         | cubic inches
l     | l      | litre              | litres
L     | L      | litre              | litres
ml    | ml     | millilitre         | millilitres
mL    | mL     | millilitre         | millilitres
USgal | US gal | US gallon          | US gallons
impgal| imp gal| imperial gallon    | imperial gallons
MUSgal| million US gal | million US gallons | million US gallons
oilbbl| bbl    | barrel             | barrels
acre.ft| acre⋅ft| acre-foot         | acre-feet
kg    | kg     | kilogram           | kilograms
g     | g      | gram               | grams
mg    | mg     | milligram          | milligrams
t     | t      | tonne              | tonnes
MT    | t      | metric ton         | metric tons
LT    | long tons  | long ton       | long tons
ST    | short tons | short ton      | short tons
lb    | lb     | pound              | pounds
lbs   | lb     | pound              | pounds
oz    | oz     | ounce              | ounces
st    | st     | stone              | stone
carat | carats | carat              | carats
C     | °C
°C    | °C
F     | °F
°F    | °F
K     | K
C-change | °C
F-change | °F
km/h  | km/h   | kilometre per hour | kilometres per hour
kph   | km/h   | kilometre per hour | kilometres per hour
mph   | mph    | mile per hour      | miles per hour
m/s   | m/s    | metre per second   | metres per second
km/s  | km/s   | kilometre per second | kilometres per second
ft/s  | ft/s   | foot per second    | feet per second
kn    | kn     | knot               | knots
knot  | kn     | knot               | knots
W     | W      | watt               | watts
kW    | kW     | kilowatt           | kilowatts
MW    | MW     | megawatt           | megawatts
GW    | GW     | gigawatt           | gigawatts
hp    | hp     | horsepower         | horsepower
bhp   | bhp    | brake horsepower   | brake horsepower
PS    | PS     | metric horsepower  | metric horsepower
J     | J      | joule              | joules
kJ    | kJ     | kilojoule          | kilojoules
kWh   | kWh    | kilowatt-hour      | kilowatt-hours
kcal  | kcal   | kilocalorie        | kilocalories
eV    | eV     | electronvolt       | electronvolts
N     | N      | newton             | newtons
kN    | kN     | kilonewton         | kilonewtons
lbf   | lbf    | pound-force        | pounds-force
Nm    | N⋅m    | newton-metre       | newton-metres
Pa    | Pa     | pascal             | pascals
hPa   | hPa    | hectopascal        | hectopascals
kPa   | kPa    | kilopascal         | kilopascals
MPa   | MPa    | megapascal         | megapascals
bar   | bar    | bar                | bars
mbar  | mbar   | millibar           | millibars
atm   | atm    | standard atmosphere | standard atmospheres
psi   | psi    | pound per square inch | pounds per square inch
inHg  | inHg   | inch of mercury    | inches of mercury
kg/m3 | kg/m³  | kilogram per cubic metre | kilograms per cubic metre
g/cm3 | g/cm³  | gram per cubic centimetre | grams per cubic centimetre
m3/s  | m³/s   | cubic metre per second | cubic metres per second
cuft/s| cu ft/s | cubic foot per second | cubic feet per second
oilbbl/d | bbl/d | barrel per day   | barrels per day
mpgus | mpg‑US | mile per US gallon | miles per US gallon
/km2  | /km²   | per square kilometre | per square kilometre
/sqmi | /sq mi | per square mile    | per square mile
PD/km2 | /km²  | inhabitant per square kilometre | inhabitants per square kilometre
PD/sqmi | /sq mi | inhabitant per square mile | inhabitants per square mile
year  | years  | year               | years
"""


class Unit(NamedTuple):
    symbol: str
    one: str
    many: str


def _units() -> dict[str, Unit]:
    rows = ([cell.strip() for cell in line.split("|")] for line in _UNIT_TABLE.strip().splitlines())
    return {code: Unit(symbol, *(names or [symbol] * 2)) for code, symbol, *names in rows}


UNITS = _units()


def quantity(amount: str, code: str, style: Style, is_one: bool = False, spelling: str = "") -> str:
    """An amount with its unit: "5 km", "5 kilometres" or "5-kilometre"; an unknown unit stays as it is.

    `is_one` tells that the name is that of one; the spelling is British unless it is "us".
    """
    power = _POWER_OF_TEN.match(code)
    if power and code not in UNITS:
        amount, code = f"{amount} {_POWERS[power[0]]}", code[power.end() :]
        is_one = False
    unit = UNITS.get(code, Unit(code, code, code))
    if style == "symbol" or unit.one == unit.symbol:
        return f"{amount}{unit.symbol}" if unit.symbol.startswith("/") else f"{amount} {unit.symbol}".rstrip()
    name = unit.one if is_one or style == "adjective" else unit.many
    if spelling == "us":
        name = name.replace("metre", "meter").replace("litre", "liter")
    if style == "adjective":
        return f"{amount}-{name}".replace(" ", "-") if amount else name
    return f"{amount} {name}"
