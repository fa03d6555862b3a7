"""What people call the countries, and whose parts some of them are: written by hand."""

from __future__ import annotations

HISTORIC = ("AN", "CS")
"""Codes that stand for several countries of today; the table leaves them out."""

SHORT_NAMES = {
    "AX": "Åland Islands", "BL": "Saint Barthélemy", "BQ": "Caribbean Netherlands",
    "CC": "Cocos (Keeling) Islands", "CD": "DR Congo", "CG": "Congo", "CI": "Côte d'Ivoire",
    "CV": "Cape Verde", "CW": "Curaçao", "NL": "Netherlands", "PS": "Palestine", "RE": "Réunion",
    "ST": "São Tomé and Príncipe", "TL": "Timor-Leste", "TR": "Türkiye",
    "VA": "Vatican City", "VI": "US Virgin Islands",
}  # fmt: skip
"""Where the short English name in use differs from the one that GeoNames keeps."""

ALTERNATES = {
    "AE": "UAE, U.A.E., Emirates, Abu Dhabi, Dubai, U Arab Emirates",
    "AG": "Antigua & Barbuda, Antigua",
    "AR": "Argentine Republic",
    "AT": "Österreich, Oesterreich, Republic of Austria",
    "AU": "Commonwealth of Australia",
    "AX": "Aland",
    "AZ": "Republic of Azerbaijan",
    "BA": "Bosnia, Bosnia & Herzegovina, Bosnia-Herzegovina, Bosnia-Hercegovina, Bosnia and Herz., "
    "Bosnia & Herceg",
    "BE": "Belgique, België, Belgien, Kingdom of Belgium",
    "BF": "Upper Volta, HVO",
    "BJ": "Dahomey, DHY",
    "BN": "Brunei Darussalam, Negara Brunei Darussalam",
    "BO": "Bolivia (Plurinational State of), Plurinational State of Bolivia",
    "BQ": "Bonaire, Bonaire Sint Eustatius and Saba, Bonaire Saint Eustatius and Saba",
    "BR": "Brasil, Federative Republic of Brazil",
    "BS": "The Bahamas",
    "BY": "Belorussia, Byelarus, Republic of Belarus, BYS",
    "CC": "Cocos Islands, Keeling Islands",
    "CD": "Democratic Republic of the Congo, Congo (Democratic Republic of the), "
    "Congo the Democratic Republic of the, Congo Democratic Republic, Congo Kinshasa, "
    "Congo-Kinshasa, Democratic Republic of Congo, Dem. Rep. Congo, D.R. Congo, DRC, "
    "Zaire, ZR, ZAR, ZAI",
    "CF": "Central African Rep., Cent Afr Republ",
    "CG": "Republic of the Congo, Congo Republic, Republic of Congo, Congo Brazzaville, "
    "Congo-Brazzaville, Congo (Republic of the), Rep Congo",
    "CH": "Schweiz, Suisse, Svizzera, Swiss Confederation, Swiss",
    "CI": "Ivory Coast, Republic of Côte d'Ivoire, Cote d Ivoire, Cote Ivoire",
    "CN": "P.R. China, PR China, P.R.China, PRC, P.R.C., People's Republic of China, "
    "Peoples Republic of China, China (People's Republic of), China People's Republic of, "
    "China Mainland, Mainland China, Peoples R China, P R China, People's R. China",
    "CV": "Cabo Verde",
    "CW": "Curacao",
    "CY": "Republic of Cyprus, Northern Cyprus, N. Cyprus, North Cyprus, "
    "Turkish Republic of Northern Cyprus",
    "CZ": "Czech Republic, Česko, Česká republika, Czech Rep., The Czech Republic",
    "DE": "Deutschland, Federal Republic of Germany, Germany (Federal Republic of), FRG, "
    "West Germany, East Germany, German Democratic Republic, GDR, DD, DDR, Allemagne, Fed Rep Ger, "
    "GER, BRD",
    "DK": "Danmark, Kingdom of Denmark",
    "DO": "Dominican Rep.",
    "EG": "Arab Republic of Egypt, Egypt Arab Republic",
    "EH": "W. Sahara, Sahrawi Arab Democratic Republic",
    "ES": "España, Espana, Kingdom of Spain",
    "FI": "Suomi, Republic of Finland",
    "FK": "Falkland Islands (Malvinas), Falkland Is., Malvinas",
    "FM": "Micronesia (Federated States of), Federated States of Micronesia, "
    "Micronesia Federated States of",
    "FO": "Faroes, Faeroe Islands, Faeroes, Føroyar",
    "FR": "French Republic, République française, Metropolitan France, Frankreich, FX, FXX",
    "GB": "UK, U.K., Great Britain, Britain, England, Scotland, Wales, Northern Ireland, "
    "North Ireland, United Kingdom of Great Britain and Northern Ireland, "
    "United Kingdom Great Britain and Northern Ireland, United-Kingdom",
    "GE": "Republic of Georgia",
    "GL": "Kalaallit Nunaat, Grønland",
    "GM": "The Gambia",
    "GQ": "Eq. Guinea",
    "GR": "EL, Hellas, Hellenic Republic",
    "GW": "Guinea Bissau",
    "HK": "Hong Kong SAR, Hong Kong SAR China, Hong Kong (China), Hong Kong China, "
    "Hong Kong S.A.R., Hongkong, HKSAR, China Hong Kong SAR, China Hong Kong, "
    "Hong Kong Special Administrative Region of China",
    "HM": "Heard and McDonald Islands",
    "HR": "Hrvatska, Republic of Croatia",
    "HU": "Magyarország, Republic of Hungary",
    "ID": "Republic of Indonesia",
    "IE": "Eire, Éire, Republic of Ireland, Ireland Republic of, Irish Republic",
    "IL": "State of Israel",
    "IM": "Isle Of Man",
    "IN": "Republic of India, Bharat",
    "IO": "Chagos Archipelago",
    "IR": "Iran (Islamic Republic of), Islamic Republic of Iran, Iran Islamic Republic of, Persia",
    "IS": "Ísland, Republic of Iceland",
    "IT": "Italia, Italian Republic, Italien, Italie",
    "JP": "Nippon, Nihon",
    "KG": "Kyrgyz Republic, Kirghizia, Kyrgyz Rep.",
    "KH": "Kampuchea",
    "KN": "St. Kitts and Nevis, St Kitts & Nevis, Saint Kitts & Nevis, St Kitts & Nevi",
    "KP": "Korea (Democratic People's Republic of), Democratic People's Republic of Korea, "
    "Korea Democratic People's Republic of, Korea North, DPRK, D.P.R. Korea, Dem. Rep. Korea, "
    "Korea Dem. People's Rep.",
    "KR": "Korea, Republic of Korea, Korea Republic of, Korea (Republic of), Korea South, "
    "Korea Rep., Rep. of Korea, ROK, R.O.K., S. Korea, South-Korea, Republic of South Korea",
    "LA": "Lao, Lao PDR, Lao People's Democratic Republic, Lao P.D.R.",
    "LC": "St. Lucia",
    "LK": "Ceylon",
    "LT": "Republic of Lithuania",
    "LU": "Luxemburg, Grand Duchy of Luxembourg",
    "LV": "Republic of Latvia",
    "LY": "Libyan Arab Jamahiriya, State of Libya",
    "MA": "Maroc, Kingdom of Morocco",
    "MD": "Moldova (Republic of), Republic of Moldova, Moldova Republic of, Moldavia",
    "MF": "Saint Martin (French part), St. Martin, St-Martin",
    "MK": "Macedonia, FYROM, Former Yugoslav Republic of Macedonia, "
    "The former Yugoslav Republic of Macedonia, Macedonia (FYROM), Republic of North Macedonia, "
    "Republic of Macedonia, Macedonia the former Yugoslav Republic of, TFYR Macedonia",
    "MM": "Burma, BU, BUR",
    "MO": "Macau, Macau SAR, Macao SAR, Macao SAR China, Macao (China), Macao China, Macau China, "
    "Macao S.A.R., China Macao SAR",
    "MP": "N. Mariana Is., Northern Marianas",
    "MX": "México, United Mexican States",
    "NL": "The Netherlands, Holland, Nederland, Kingdom of the Netherlands, Niederlande, Pays-Bas",
    "NO": "Norge, Kingdom of Norway",
    "NZ": "Aotearoa, New-Zealand",
    "PF": "Fr. Polynesia, Tahiti",
    "PG": "Papua-New Guinea, Papua N Guinea",
    "PH": "The Philippines, Republic of the Philippines, Philippine Islands",
    "PL": "Polska, Republic of Poland",
    "PM": "St. Pierre and Miquelon",
    "PS": "Palestinian Territory, Palestinian Territories, Palestine State of, State of Palestine, "
    "Occupied Palestinian Territory, Palestinian Territory Occupied, West Bank and Gaza, "
    "West Bank, Gaza Strip",
    "PT": "Portuguese Republic",
    "RE": "Reunion Island",
    "RO": "Rumania, Roumania, România, ROM",
    "RS": "Republic of Serbia",
    "RU": "Russian Federation, Russia Federation, Rossiya",
    "SA": "Kingdom of Saudi Arabia, Saudi-Arabia, KSA",
    "SE": "Sverige, Kingdom of Sweden",
    "SG": "Republic of Singapore",
    "SH": "Saint Helena Ascension and Tristan da Cunha, St. Helena",
    "SI": "Slovenija, Republic of Slovenia",
    "SJ": "Svalbard, Jan Mayen, Svalbard & Jan Mayen",
    "SK": "Slovak Republic, Slovensko",
    "SO": "Somaliland",
    "SS": "S. Sudan",
    "ST": "Sao Tome & Principe, Sao Tome & Prin",
    "SX": "Sint Maarten (Dutch part), St Maarten",
    "SY": "Syrian Arab Republic",
    "SZ": "Swaziland",
    "TF": "French Southern and Antarctic Lands, Fr. S. Antarctic Lands",
    "TH": "Kingdom of Thailand, Siam",
    "TL": "East Timor, TP, TMP",
    "TR": "Turkey, Turkiye, Republic of Türkiye, Republic of Turkey",
    "TT": "Trinidad, Trinidad & Tobago, Trinidad Tobago",
    "TW": "Chinese Taipei, Taiwan (Province of China), Taiwan Province of China, "
    "Taiwan (Chinese Taipei), Republic of China, China Republic of, R.O.C., ROC, Taiwan ROC, "
    "Taiwan R.O.C., Taiwan Republic of China, Taiwan China, Formosa",
    "TZ": "United Republic of Tanzania, Tanzania (United Republic of), Tanzania United Republic of",
    "UA": "The Ukraine",
    "US": "U.S., U.S.A., United States of America, United-States, The United States, America, "
    "The United States of America, Estados Unidos, US of America",
    "VA": "Vatican, Holy See, Holy See (Vatican City State), Vatican City State",
    "VC": "St. Vincent and the Grenadines, St. Vin. and Gren., Saint Vincent",
    "VE": "Venezuela (Bolivarian Republic of), Venezuela Bolivarian Republic of, "
    "Bolivarian Republic of Venezuela",
    "VG": "Virgin Islands (British), British Virgin Is.",
    "VI": "U.S. Virgin Islands, Virgin Islands (U.S.), United States Virgin Islands, "
    "U.S. Virgin Is., Virgin Islands",
    "VN": "Viet Nam, Viet-Nam, Socialist Republic of Vietnam",
    "WF": "Wallis & Futuna Islands",
    "WS": "Western Samoa",
    "XK": "Republic of Kosovo, Kosova, XKS, RKS, KSV",
    "YE": "Republic of Yemen, YMD",
    "ZA": "Republic of South Africa, RSA, S. Africa",
    "ZW": "Rhodesia",
}
"""Other spellings, separated by commas; case, accents, dots and other marks do not matter."""

PART_OF = {
    "AU": "CC CX HM NF",
    "CN": "HK MO TW",
    "DK": "FO GL",
    "FI": "AX",
    "FR": "BL GF GP MF MQ NC PF PM RE TF WF YT",
    "GB": "AI BM FK GG GI GS IM IO JE KY MS PN SH TC VG",
    "GP": "BL MF",
    "IL": "PS",
    "MA": "EH",
    "NL": "AW BQ CW SX",
    "NO": "BV SJ",
    "NZ": "CK NU TK",
    "RS": "XK",
    "US": "AS GU MP PR UM VI",
}
"""
Lands whose addresses sources also write under another code, by that code: a point in Guam may be
stated GU or US. It tells how sources write addresses, and nothing about whose land it is.
"""
