"""Other names and codes of regions, as addresses write them; our own list, put together by hand.

For each country: the GeoNames code of a region, an equals sign, and its other names joined by ``|``.
Words such as "province", "-ken" or "oblast" are cut off when names are compared and need no entry.
"""

from __future__ import annotations

from typing import Final

_LISTS: Final = {
    "US": """
        AL=Ala; AK=Alas; AZ=Ariz; AR=Ark; CA=Calif|Cal; CO=Colo; CT=Conn; DE=Del; FL=Fla; ID=Ida;
        IL=Ill; IN=Ind; KS=Kans|Kan; MA=Mass; MD=Mary; MI=Mich; MN=Minn; MO=Mo; MS=Miss; MT=Mont;
        NC=N C|N Car|N Carolina; ND=N D|N Dak|N Dakota; NE=Nebr|Neb; NH=N H; NJ=N J|N Jersey;
        NM=N M|N Mex|N Mexico; NV=Nev; NY=N Y|New York State; OK=Okla; OR=Ore|Oreg; PA=Penn|Penna;
        RI=R I; SC=S C|S Car|S Carolina; SD=S D|S Dak|S Dakota; TN=Tenn; TX=Tex;
        WA=Wash|Washington State; WI=Wis|Wisc; WV=W V|W Va|W Virginia; WY=Wyo;
        DC=D C|Washington D C|District of Columbia|Dist of Columbia
    """,
    "CA": """
        01=AB|Alta; 02=BC|B C|Colombie Britannique; 03=MB|Man; 04=NB|N B|Nouveau Brunswick;
        05=NL|NF|Nfld|Newfoundland|Terre Neuve et Labrador|Terre Neuve; 07=NS|N S|Nouvelle Ecosse;
        08=ON|Ont; 09=PE|PEI|P E I|Ile du Prince Edouard; 10=QC|PQ|Que; 11=SK|Sask;
        12=YT|Yukon Territory; 13=NT|NWT; 14=NU
    """,
    "AU": """
        01=ACT|A C T; 02=NSW|N S W; 03=NT|N T; 04=QLD|Queensl; 05=SA|S A|S Australia; 06=TAS;
        07=VIC|Vict; 08=WA|W A|W Australia
    """,
    "DE": """
        01=BW|Baden Württemberg|Baden Wuerttemberg|Bade Wurtemberg; 02=BY|Bayern|Bavière;
        03=HB|Bremen|Freie Hansestadt Bremen; 04=HH|Freie und Hansestadt Hamburg; 05=HE|Hessen;
        06=NI|Niedersachsen|Nds; 07=NW|NRW|Nordrhein Westfalen|North Rhine Westfalia;
        08=RP|Rhineland Palatinate; 09=SL|Saar; 10=SH; 11=BB; 12=MV|Mecklenburg Western Pomerania;
        13=SN|Sachsen|Freistaat Sachsen; 14=ST|Sachsen Anhalt; 15=TH|Thüringen|Thueringen;
        16=BE|Berlin
    """,
    "AT": """
        01=B; 02=Kärnten|Kaernten; 03=NÖ|Niederösterreich|Niederoesterreich;
        04=OÖ|Oberösterreich|Oberoesterreich; 06=Steiermark; 07=Tirol; 08=Vbg; 09=Wien
    """,
    "CH": """
        AG=Argovia|Argovie; AI=Appenzell Inner Rhodes; AR=Appenzell Outer Rhodes; BE=Berne|Berna;
        BL=Basel Country|Basel Land|Baselland; BS=Basel Stadt|Bâle Ville; FR=Freiburg|Friburgo;
        GE=Genève|Genf|Ginevra; GL=Glaris; GR=Graubünden|Graubuenden|Grigioni; LU=Luzern|Lucerna;
        NE=Neuenburg; SG=Sankt Gallen|St Gall; SH=Schaffhouse; SO=Soleure; TG=Thurgovia|Thurgovie;
        TI=Tessin; VD=Waadt; VS=Wallis; ZG=Zoug; ZH=Zürich|Zuerich
    """,
    "CN": """
        01=安徽|Anhwei; 02=浙江|Chekiang|Che Chiang; 03=江西|Kiangsi; 04=江苏|江蘇|Kiangsu;
        05=吉林|Kirin; 06=青海|Chinghai|Tsinghai; 07=福建|Fukien;
        08=黑龙江|黑龍江|Heilungkiang|Heilungchiang; 09=河南|Honan; 10=河北|Hopei|Hopeh; 11=湖南;
        12=湖北|Hupeh|Hupei; 13=新疆|Sinkiang|Xinjiang Uygur|Xinjiang Uyghur Autonomous Region;
        14=西藏|Xizang|Tibet Autonomous Region; 15=甘肃|甘肅|Kansu;
        16=广西|廣西|Kwangsi|Guangxi Zhuang|Guangxi Zhuang Autonomous Region; 18=贵州|貴州|Kweichow;
        19=辽宁|遼寧; 20=内蒙古|Nei Mongol|Neimenggu|Inner Mongolia Autonomous Region|Nei Menggu;
        21=宁夏|寧夏|Ningsia|Ningxia Hui|Ningxia Hui Autonomous Region; 22=北京|Peking|Pekin;
        23=上海; 24=山西|Shansi; 25=山东|山東|Shantung; 26=陕西|陝西|Shensi|Shanxi Sheng;
        28=天津|Tientsin; 29=云南|雲南; 30=广东|廣東|Kwangtung|Canton; 31=海南;
        32=四川|Szechwan|Szechuan; 33=重庆|重慶|Chungking
    """,
    "TW": """
        01=Fujian|Fuchien; 02=Kaohsiung|高雄市; 03=台北市|臺北市; 04=臺灣|台灣|Taiwan Province
    """,
    "JP": """
        01=愛知県; 02=秋田県; 03=青森県; 04=千葉県; 05=愛媛県; 06=福井県; 07=福岡県; 08=福島県;
        09=岐阜県|Gifuken; 10=群馬県|Gumma; 11=広島県; 12=北海道|Hokkaidou;
        13=兵庫県|Hyougo|Hyogoken; 14=茨城県|Ibaragi; 15=石川県; 16=岩手県; 17=香川県; 18=鹿児島県;
        19=神奈川県; 20=高知県|Kouchi; 21=熊本県; 22=京都府|Kyoto Fu|Kyotofu; 23=三重県; 24=宮城県;
        25=宮崎県; 26=長野県; 27=長崎県; 28=奈良県; 29=新潟県; 30=大分県|Ooita; 31=岡山県;
        32=大阪府|Osaka Fu|Ohsaka; 33=佐賀県; 34=埼玉県; 35=滋賀県; 36=島根県; 37=静岡県|Shizuoka;
        38=栃木県; 39=徳島県; 40=東京都|Tokyo To|Tokyo Metropolis; 41=鳥取県; 42=富山県;
        43=和歌山県; 44=山形県; 45=山口県; 46=山梨県; 47=沖縄県
    """,
    "KR": """
        01=Jeju|Cheju|Jeju Special Self Governing Province|제주;
        03=North Jeolla|Jeonbuk|Chollabuk|Chonbuk|Cheonbuk|전라북도|전북;
        05=Chungcheongbuk|Chungbuk|Chungchongbuk|Choongbuk|Chungcheongbuk do|충청북도|충북;
        06=Gangwon|Kangwon|강원; 10=Pusan|부산; 11=서울; 12=Inchon|인천;
        13=Gyeonggi|Kyonggi|Kyunggi|Kyungki|Kyeonggi|Kyungido|Gyunggi|경기도|경기;
        14=North Gyeongsang|Gyeongbuk|Kyongbuk|Kyungbuk|Kyungsangbuk|Kyeongbuk|Kyongsangbuk|
        Gyeongsangbuk|경상북도|경북; 15=Taegu|대구;
        16=South Jeolla|Jeonnam|Chollanam|Chonnam|전라남도|전남;
        17=South Chungcheong|Chungnam|Choongnam|Chungchongnam|Chungcheongnam|충청남도|충남;
        18=Kwangju|광주; 19=Taejon|Taejeon|Daejon|대전; 20=South Gyeongsang|Gyeongnam|Kyongnam|
        Kyungnam|Kyungsangnam|Kyeongnam|Kyongsangnam|Gyeongsangnam|경상남도|경남; 21=Woolsan|울산;
        22=Sejong|세종
    """,
    "IN": """
        01=AN; 02=AP|A P|Andhra; 03=AS; 05=CH; 07=DL|Delhi NCR|New Delhi|NCT of Delhi; 09=GJ; 10=HR;
        11=HP|H P; 12=JK|J K; 13=KL|Kerela; 16=MH|Maharastra; 17=MN; 18=ML; 19=KA|Karnatka; 20=NL;
        21=OR|OD|Orissa; 22=PY|Pondicherry; 23=PB; 24=RJ; 25=TN|Tamilnadu|T N; 26=TR;
        28=WB|W B|W Bengal; 29=SK; 30=AR; 31=MZ; 33=GA; 34=BR; 35=MP|M P; 36=UP|U P;
        37=CG|CT|Chattisgarh; 38=JH; 39=UK|UA|Uttaranchal; 40=TS|TG
    """,
    "BR": """
        01=AC; 02=AL; 03=AP; 04=AM; 05=BA; 06=CE; 07=DF|Distrito Federal; 08=ES; 11=MS; 13=MA;
        14=MT; 15=MG; 16=PA; 17=PB; 18=PR; 20=PI; 21=RJ; 22=RN; 23=RS; 24=RO; 25=RR; 26=SC; 27=SP;
        28=SE; 29=GO; 30=PE; 31=TO
    """,
    "MX": """
        01=Ags; 02=BC|B C|Baja California Norte; 03=BCS|B C S; 04=Camp; 05=Chis; 06=Chih;
        07=Coah|Coahuila de Zaragoza; 08=Col;
        09=DF|D F|CDMX|Ciudad de México|Distrito Federal|Federal District; 10=Dgo; 11=Gto; 12=Gro;
        13=Hgo; 14=Jal; 15=Edo Mex|Estado de México|State of Mexico|Edomex|Mex; 16=Mich; 17=Mor;
        18=Nay; 19=NL|N L; 20=Oax; 21=Pue; 22=Qro|Queretaro de Arteaga; 23=Q Roo|QR; 24=SLP|S L P;
        25=Sin; 26=Son; 27=Tab; 28=Tamps; 29=Tlax; 30=Ver|Veracruz de Ignacio de la Llave; 31=Yuc;
        32=Zac
    """,
    "IT": """
        02=Basilicata; 05=Emilia Romagna; 06=Friuli; 09=Lombardia|Lombardie; 10=Marche;
        12=Piemonte|Piémont; 13=Puglia; 14=Sardegna; 15=Sicilia; 16=Toscana;
        17=Trentino Südtirol|South Tyrol|Alto Adige; 19=Valle d Aosta
    """,
    "ES": """
        07=Baleares|Islas Baleares|Illes Balears; 29=Comunidad de Madrid; 31=Región de Murcia;
        32=Navarra; 34=Principado de Asturias; 51=Andalucía; 52=Aragón; 53=Canarias|Islas Canarias;
        54=Castilla La Mancha; 55=Castilla y León; 56=Cataluña|Catalunya; 59=País Vasco|Euskadi;
        60=Comunidad Valenciana|Comunitat Valenciana|Valencian Community
    """,
    "FR": """
        11=IDF|Ile de France|Région parisienne|Paris Region; 24=Centre Val de Loire;
        27=Bourgogne|Franche Comté|Burgundy; 28=Normandie|Basse Normandie|Haute Normandie;
        32=Nord Pas de Calais|Picardie|Picardy; 44=Alsace|Lorraine|Champagne Ardenne; 53=Bretagne;
        75=Aquitaine|Limousin|Poitou Charentes; 76=Midi Pyrénées|Languedoc Roussillon;
        84=Rhône Alpes|Auvergne; 93=PACA|Provence; 94=Corse
    """,
    "GB": "ENG=Eng; NIR=NI|N Ireland|Ulster; SCT=Scot; WLS=Cymru",
    "NL": """
        01=DR; 02=Fryslân|FR; 03=GE; 04=GR; 05=LI; 06=Noord Brabant|NB|Brabant; 07=Noord Holland|NH;
        09=UT; 10=ZE; 11=Zuid Holland|ZH; 15=OV; 16=FL
    """,
    "BE": """
        BRU=Brussels|Bruxelles|Brussel|Bruxelles Capitale; VLG=Vlaanderen|Flandre|Flemish Region;
        WAL=Wallonie
    """,
    "RU": """
        04=Altay; 47=Moskovskaya; 48=Moskva; 51=Nizhegorodskaya; 53=Novosibirskaya;
        66=St Petersburg|Saint Petersburg|Sankt Peterburg; 42=Leningrad; 71=Sverdlovskaya;
        73=Tatarstan; 75=Tomskaya; 65=Samarskaya; 61=Rostovskaya; 13=Chelyabinskaya;
        86=Voronezhskaya; 59=Primorskiy|Primorsky
    """,
    "ZA": """
        02=KZN|KwaZulu Natal|Natal; 03=FS|Orange Free State; 05=EC; 06=GP|GT; 07=MP; 08=NC; 09=LP;
        10=NW; 11=WC
    """,
    "MY": """
        04=Malacca; 09=Pulau Pinang|Pinang; 14=WP Kuala Lumpur|Wilayah Persekutuan; 01=Johore;
        05=N Sembilan
    """,
    "IL": """
        01=HaDarom|South; 02=HaMerkaz|Central|Center; 03=HaZafon|North; 04=Hefa;
        05=Tel Aviv District|Tel Aviv Yafo; 06=Yerushalayim
    """,
    "AR": """
        01=Provincia de Buenos Aires|BA; 05=Córdoba;
        07=CABA|C A B A|Capital Federal|Ciudad Autónoma de Buenos Aires|Ciudad de Buenos Aires
    """,
    "PL": """
        72=Dolnośląskie; 74=Łódzkie|Lodz; 75=Lubelskie; 76=Lubuskie; 77=Małopolskie|Malopolska;
        78=Mazowieckie|Masovian|Masovia; 79=Opolskie|Opole; 80=Podkarpackie; 81=Podlaskie;
        82=Pomorskie; 83=Śląskie|Slaskie; 84=Swietokrzyskie; 85=Warmińsko Mazurskie;
        86=Wielkopolskie|Wielkopolska; 87=Zachodniopomorskie
    """,
    "CZ": """
        52=Praha|Hlavní město Praha; 78=Jihomoravský|South Moravia; 79=South Bohemia; 87=Plzeňský;
        88=Středočeský; 90=Zlínský
    """,
    "DK": """
        17=Hovedstaden; 18=Midtjylland; 19=Nordjylland; 20=Sjælland; 21=Syddanmark|Southern Denmark
    """,
    "FI": """
        02=Varsinais Suomi; 06=Tampere Region; 17=North Ostrobothnia|Pohjois Pohjanmaa;
        01=Nyland|Helsinki Uusimaa
    """,
    "PT": "14=Lisboa; 17=Oporto; 23=Açores",
    "TR": "34=İstanbul; 35=Izmir|Smyrna",
    "HU": "05=Budapest; 16=Pest",
    "RO": "10=Bucharest|Bucuresti",
    "UA": "12=Kiev City|Kyiv; 13=Kyiv Oblast; 07=Kharkiv|Kharkov; 15=Lvov",
    "VN": "01=Ha Noi; 79=Ho Chi Minh City|Saigon|TP HCM|Thanh pho Ho Chi Minh",
    "ID": """
        04=DKI Jakarta|Jakarta Raya; 30=Jawa Barat; 07=Jawa Tengah; 08=Jawa Timur;
        10=DI Yogyakarta|Jogjakarta
    """,
    "TH": "40=Krung Thep|Bangkok Metropolis|Krung Thep Maha Nakhon",
    "IR": "28=Esfahan; 26=Teheran; 42=Khorasan Razavi",
    "EG": "11=Al Qahirah; 06=Al Iskandariyah; 08=Al Jizah",
    "GR": "ESYE31=Attiki|Attika; ESYE12=Thessaloniki; ESYE43=Kriti",
    "CL": "12=Región Metropolitana|RM|Metropolitana de Santiago",
    "CO": "34=Bogotá|Distrito Capital|Bogota DC; 29=Valle",
    "SE": "26=Stockholms län; 27=Scania; 28=Västra Götalands län",
    "NO": """
        12=Oslo; 21=Sør Trøndelag|Nord Trøndelag; 46=Hordaland|Sogn og Fjordane;
        42=Vest Agder|Aust Agder; 34=Hedmark|Oppland
    """,
}  # fmt: skip


def other_names() -> dict[tuple[str, str], str]:
    """Other names, joined by ``|``, of a region that is given by its country and GeoNames code."""
    found = {}
    for country, text in _LISTS.items():
        for entry in text.split(";"):
            code, _, names = entry.partition("=")
            found[country, code.strip()] = "|".join(n.strip() for n in names.split("|"))
    return found
