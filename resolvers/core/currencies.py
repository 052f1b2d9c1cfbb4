"""Currencies in use: ISO 4217 as of 2026, with the digits that follow the point.

Funds, metals, codes for tests, and currencies that nobody pays with any more are none. Bulgaria has had the euro since
2026, Croatia since 2023; XCG took the place of ANG in 2025, ZWG that of ZWL in 2024, SLE that of SLL in 2022.
"""

from __future__ import annotations

from collections.abc import Mapping

_WITHOUT_FRACTIONS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_HUNDREDTHS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD
UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"

MOST_DIGITS = 2
"""After the point: as many as the database keeps."""
DIGITS: Mapping[str, int] = {
    code: min(digits, MOST_DIGITS)
    for digits, codes in ((0, _WITHOUT_FRACTIONS), (2, _HUNDREDTHS), (3, _THOUSANDTHS))
    for code in codes.split()
}
"""The number of digits that an amount may have after the point, by the code of its currency."""
