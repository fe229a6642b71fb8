"""Phrases that nothing was chosen by: the classifier is held to them. Two for each category, in words of residents."""

HELD = {
    "glas": (
        "Alweer kapotte bierflesjes op het fietspad, straks rijdt iemand zijn band lek",
        "Bij de bushalte is de ruit eruit geslagen, het ligt bezaaid met splinters",
    ),
    "zwerfvuil": (
        "Het hele plein ligt na de kermis vol rotzooi",
        "Lege bekertjes en frietbakjes in de bosjes, elke dag weer na schooltijd",
    ),
    "grofvuil": (
        "Hier is een complete keuken op de stoep gedumpt",
        "Iemand heeft zijn oude bank en een koelkast bij ons voor de deur achtergelaten",
    ),
    "volle-container": (
        "Ik kan mijn papier niet kwijt, de container is helemaal vol",
        "De ondergrondse bak zit al drie dagen tot de nok toe vol",
    ),
    "kapotte-container": (
        "Mijn afvalpas doet niks meer bij de container, de klep gaat niet open",
        "De voetpedaal van de ondergrondse container is afgebroken",
    ),
    "naast-container": (
        "Mensen gooien hun zakken gewoon naast de container in plaats van erin",
        "Elke week staat er weer huisvuil naast de bakken, terwijl er plek genoeg is",
    ),
    "volle-prullenbak": (
        "De prullenbak op het speelplein puilt uit",
        "Afvalbakje bij de tramhalte is in geen weken geleegd",
    ),
    "chemisch-afval": (
        "Er staan jerrycans met iets chemisch in de berm",
        "Volgens mij heeft een klusser asbest bij het viaduct neergegooid",
    ),
    "afgebroken-tak": (
        "Door de storm ligt er een enorme tak op de geparkeerde auto's",
        "Er hangt een halve tak los in de plataan, die kan zo naar beneden komen",
    ),
    "zieke-boom": (
        "De kastanje voor ons huis is dood, er komt al twee jaar geen blad meer aan",
        "Onderaan de stam groeien zwammen, is die boom nog wel gezond?",
    ),
    "overhangend-groen": (
        "De heg van nummer 12 hangt zo ver over dat de kinderwagen er niet langs kan",
        "Kan er gesnoeid worden? De struiken groeien over het voetpad",
    ),
    "onkruid": (
        "Het onkruid staat hier kniehoog tussen de stenen",
        "De stoep is niet meer te zien door alle brandnetels",
    ),
    "losse-tegel": (
        "Mijn moeder viel over een losliggende stoeptegel",
        "De tegels liggen hier schots en scheef door de wortels van de boom",
    ),
    "gat-in-de-weg": (
        "Flink gat in het asfalt vlak voor de rotonde",
        "Met de fiets reed ik zo in een diepe kuil in het wegdek",
    ),
    "verzakking": (
        "De straat is na het werk aan de riolering flink verzakt",
        "Voor mijn deur zakt de stoep steeds verder weg",
    ),
    "gladheid": (
        "Niet gestrooid op de fietsbrug, ik ging keihard onderuit",
        "Het is spiegelglad in de steeg, daar komt nooit een strooiwagen",
    ),
    "lantaarn-uit": (
        "Drie lantaarns in het park doen het niet, het is stikdonker",
        "De straatverlichting in onze laan is sinds gisteren uit",
    ),
    "lantaarn-beschadigd": (
        "Een auto heeft de lantaarnpaal geraakt en nu staat hij scheef",
        "De lamp hangt half uit de mast van de lantaarn",
    ),
    "open-bedrading": (
        "Er komen draden uit de lantaarnpaal, het luikje is weg",
        "Kinderen kunnen zo bij de kabels, het elektriciteitskastje staat open",
    ),
    "verstopte-put": (
        "Het putje voor de garage zit dicht met blad",
        "De straatkolk loopt niet meer door, er zit zand in",
    ),
    "wateroverlast": (
        "De straat staat blank na die bui, het water komt bijna over de drempel",
        "Er spuit water uit de grond, vermoedelijk een lek in de waterleiding",
    ),
    "vervuild-water": (
        "In de singel drijven dode vissen",
        "Er ligt een regenboogkleurig laagje olie op het water van de vaart",
    ),
    "fietswrak": (
        "Al een half jaar staat er een verroeste fiets zonder wielen aan de brug",
        "De stalling staat vol wrakken, je kunt je eigen fiets niet kwijt",
    ),
    "fout-geparkeerd": (
        "Elke ochtend staat er een busje op de stoep voor de school",
        "Een auto blokkeert mijn uitrit, ik kan niet naar mijn werk",
    ),
    "verkeerslicht": (
        "Het stoplicht bij de kruising knippert al de hele dag oranje",
        "Als voetganger krijg je nooit groen, die knop doet niks",
    ),
    "verkeersbord": (
        "Het eenrichtingsbord is omgedraaid, iedereen rijdt nu verkeerd de straat in",
        "Bord van de dertigkilometerzone ligt plat op de grond",
    ),
    "kapotte-bank": (
        "Er missen twee planken van het bankje bij de vijver",
        "Op de zitbank aan het water kun je niet meer zitten, de leuning is eraf",
    ),
    "paaltje": (
        "Het paaltje is weg en nu rijden er auto's over het fietspad",
        "Iemand heeft het anti-parkeerpaaltje eruit gereden",
    ),
    "graffiti": (
        "De hele muur van het buurthuis is ondergespoten",
        "Er zijn leuzen gekalkt op het viaduct",
    ),
    "speeltoestel": (
        "De glijbaan heeft een scherpe rand, mijn dochter heeft zich gesneden",
        "Aan de schommel hangt nog maar één ketting",
    ),
    "ratten": (
        "Er lopen ratten door de achtertuinen",
        "Bij de eendenvijver zag ik er wel vijf, een rattenplaag gewoon",
    ),
    "hondenpoep": (
        "Het grasveldje waar de kinderen spelen ligt vol drollen",
        "Baasjes laten hun hond hier poepen en ruimen het nooit op",
    ),
    "dood-dier": (
        "Er ligt een aangereden kat in de goot",
        "Op het voetpad ligt al dagen een dode duif",
    ),
    "geluid": (
        "Het café draait tot diep in de nacht keiharde muziek",
        "Wat een herrie van dat bouwterrein, ze beginnen al om zes uur",
    ),
    "vuurwerk": (
        "De hele avond knalt er zwaar vuurwerk onder mijn raam",
        "Ze steken hier al weken voor de jaarwisseling cobra's af",
    ),
    "hangplek": (
        "Er hangt iedere avond een groep jongeren in het portiek, ik durf er niet langs",
        "Bij de speeltuin zit de jeugd te blowen en ze vallen iedereen lastig",
    ),
    "drugs": (
        "Op de parkeerplaats wordt elke avond gedeald",
        "Het stinkt naar wiet uit die schuur, volgens mij zit daar een kwekerij",
    ),
    "verdachte-personen": (
        "Twee mannen lopen langs de huizen en voelen aan de deuren",
        "Er staat al een uur een onbekende man bij iedereen naar binnen te gluren",
    ),
    "gaslucht": (
        "In de hele straat ruik je gas",
        "Ik ruik een gaslucht bij de put voor ons huis",
    ),
    "losse-gevel": (
        "Er zijn stukken steen van de gevel gevallen",
        "Een dakpan ligt los boven de ingang en kan er elk moment af waaien",
    ),
}
