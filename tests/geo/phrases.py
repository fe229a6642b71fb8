"""What residents could write of each category: by these it was chosen when the classifier is sure.

The texts of the demo are not among them, so that they can be held against it.
"""

PHRASES = {
    "glas": (
        "Overal glassplinters op het schoolplein",
        "Iemand heeft een wijnfles kapotgegooid, scherven over de hele stoep",
        "Door het glas bij de flessenbak reed ik weer een lekke band",
    ),
    "zwerfvuil": (
        "Het ligt hier bezaaid met lege blikjes en chipszakken",
        "Na het weekend is het park één grote rotzooi van verpakkingen",
        "Overal peuken en plastic bekers voor de school",
    ),
    "grofvuil": (
        "Er is een oude wasmachine op de hoek neergezet",
        "Drie matrassen en een tapijt tegen de muur gedumpt",
        "Buren zetten hun oude stoelen gewoon buiten",
    ),
    "volle-container": (
        "De container voor plastic is al dagen overvol",
        "Glasbak zit tot de rand toe vol, kan hij geleegd worden?",
        "Ondergrondse container vol, klep gaat niet open",
    ),
    "kapotte-container": (
        "De klep van de container zit vast",
        "De papiercontainer is stuk en mijn pasje wordt niet herkend",
        "Hendel van de afvalcontainer is defect",
    ),
    "naast-container": (
        "Alweer zakken naast de container gezet",
        "Mensen zetten hun vuilniszakken op straat en de meeuwen trekken ze open",
        "Kartonnen dozen naast de papierbak",
    ),
    "volle-prullenbak": (
        "De prullenbakken in het park lopen over",
        "Vuilnisbak bij de halte is vol en het waait eruit",
        "Kan de prullenbak worden geleegd?",
    ),
    "chemisch-afval": (
        "Achter de schuur liggen vaten met een onbekende vloeistof",
        "Iemand heeft verfblikken en een accu in de bosjes gegooid",
        "Er liggen kapotte asbestplaten",
    ),
    "afgebroken-tak": (
        "Er is een zware tak uit de eik gewaaid, die ligt over de weg",
        "Boom omgewaaid, de straat is afgesloten",
        "Een afgebroken tak bungelt boven de zandbak",
    ),
    "zieke-boom": (
        "Deze boom is volgens mij dood, hij is helemaal kaal",
        "Er zitten grote paddenstoelen op de boom en de stam klinkt hol",
        "De iep voor de deur heeft iepziekte",
    ),
    "overhangend-groen": (
        "De haag van de buren groeit over het trottoir",
        "Struiken moeten nodig gesnoeid worden, je kunt er niet langs",
        "Takken hangen tegen mijn raam",
    ),
    "onkruid": (
        "Distels en paardenbloemen tussen de stenen, het is een jungle",
        "Wanneer wordt hier het onkruid gewied?",
        "De goot is overwoekerd met gras tussen de tegels",
    ),
    "losse-tegel": (
        "Mijn oma is gestruikeld over een tegel die omhoog steekt",
        "Er liggen een paar klinkers los voor de garage",
        "Scheve stoeptegels door wortels",
    ),
    "gat-in-de-weg": (
        "Grote kuil in de rijbaan, mijn velg is kapot",
        "In het wegdek zit een diep gat",
        "Scheuren in het asfalt van het fietspad",
    ),
    "verzakking": (
        "De hele parkeerstrook is weggezakt",
        "Er komt een bult in de straat, de grond verzakt",
        "De oprit is ingezakt na de werkzaamheden",
    ),
    "gladheid": (
        "Door de ijzel is de brug spekglad",
        "Er is nog niet gestrooid en er ligt sneeuw",
        "Ik ben uitgegleden over natte bladeren, heel glibberig",
    ),
    "lantaarn-uit": (
        "Straatlantaarns branden niet in onze straat",
        "Lantaarnpaal kapot, aardedonker 's avonds",
        "De straatlamp knippert steeds",
    ),
    "lantaarn-beschadigd": (
        "Vrachtwagen tegen een lantaarnpaal gereden, die staat nu schuin",
        "De kap van de straatlamp hangt los te wapperen",
        "Lantaarnpaal is geknakt na een aanrijding",
    ),
    "open-bedrading": (
        "Er steken losse stroomdraden uit de grond",
        "Het deurtje van de lantaarnpaal staat open en je kunt bij de bedrading",
        "Een elektriciteitskast staat open, kabels liggen bloot",
    ),
    "verstopte-put": (
        "Putje in de goot is dichtgeslibd",
        "Het riool is verstopt, het water loopt niet weg in de put",
        "De kolken zitten vol zand",
    ),
    "wateroverlast": (
        "Hele kruising staat onder water door een gesprongen waterleiding",
        "Kelders lopen vol, de straat is overstroomd",
        "Enorme plassen na de regen, de tunnel is ondergelopen",
    ),
    "vervuild-water": (
        "De vijver ligt vol blauwalg",
        "Er ligt een laag olie op de sloot",
        "Vissterfte in de gracht, er drijven tientallen dode vissen",
    ),
    "fietswrak": (
        "Achtergelaten fietsen in de stalling, de meeste zonder wiel",
        "Weesfietsen bezetten het hele rek",
        "Een roestige fiets ligt al maanden tegen het hek",
    ),
    "fout-geparkeerd": (
        "Bestelbus staat dubbel geparkeerd en blokkeert de uitrit",
        "Caravan staat al weken op een parkeerplaats",
        "Auto's staan steeds op de stoep, ik moet met de rollator de weg op",
    ),
    "verkeerslicht": (
        "Het stoplicht blijft eeuwig op rood staan",
        "Stoplichten doen het niet op de kruising",
        "Drukknop bij het oversteken werkt niet, het licht wordt nooit groen",
    ),
    "verkeersbord": (
        "Het straatnaambord is verdwenen",
        "Verkeersbord is omvergereden",
        "Het bord met verboden in te rijden staat scheef",
    ),
    "kapotte-bank": (
        "Er is een plank uit de bank in het park gesloopt",
        "Rugleuning van het bankje afgebroken",
        "De picknicktafel is verrot",
    ),
    "paaltje": (
        "Het paaltje in het midden van het fietspad ontbreekt",
        "Een amsterdammertje is omgereden",
        "De poller zakt niet meer",
    ),
    "graffiti": (
        "De tunnel is helemaal volgespoten",
        "Er staat een hakenkruis op de muur van de school",
        "Stickers en tags op alle elektriciteitskastjes",
    ),
    "speeltoestel": (
        "De schommel is stuk, er hangt nog maar één touw",
        "Het klimtoestel heeft een uitstekende spijker",
        "Glijbaan is gescheurd",
    ),
    "sportveld": (
        "Het kunstgras van het voetbalveldje laat los",
        "Basketbalring is eraf gebroken",
        "De goal op het trapveldje is kapot",
    ),
    "ratten": (
        "Ik zag vanavond drie ratten onder de struiken",
        "Muizen en ratten door het voeren van de eendjes",
        "Er zit een rattennest in het talud",
    ),
    "hondenpoep": (
        "Je kunt hier niet lopen zonder in een drol te stappen",
        "Hondenbezitters ruimen de poep niet op",
        "Uitwerpselen van honden op het schoolplein",
    ),
    "dood-dier": (
        "Er ligt een dode zwaan in het riet",
        "Kadaver van een vos naast de weg",
        "Een kat is aangereden en ligt dood op straat",
    ),
    "geluid": (
        "De warmtepomp van het kantoor dreunt dag en nacht",
        "Al uren herrie, keiharde muziek uit een speaker",
        "Honden blaffen de hele dag",
    ),
    "stank": (
        "Het meurt hier verschrikkelijk naar riool",
        "Vreselijke stank uit de fabriek",
        "Rook van de houtkachel komt het hele huis in",
    ),
    "vuurwerk": (
        "Iedere avond knallen van cobra's",
        "Jongens gooien met rotjes naar fietsers",
        "Er worden vuurpijlen afgeschoten vanaf het balkon",
    ),
    "hangplek": (
        "Hangjongeren in het portiek, ze intimideren bewoners",
        "Groepje jongeren met lachgas achter de flat",
        "Mijn dochter wordt lastiggevallen door een groep jongens",
    ),
    "drugs": (
        "Er wordt openlijk gedeald in de steeg",
        "Vanuit het huis komt een sterke wietlucht, volgens mij een hennepkwekerij",
        "Gebruikte naalden en mensen die cocaïne gebruiken in de portiek",
    ),
    "verdachte-personen": (
        "Een man met een bivakmuts sluipt rond de huizen",
        "Iemand gluurt bij ons in de straat naar binnen, erg verdacht",
        "Twee mannen met een babbeltruc bellen aan bij ouderen",
    ),
    "auto-inbraak": (
        "De autoruit is ingeslagen en de airbag gestolen",
        "Katalysator onder de auto vandaan gezaagd",
        "Mijn auto is vannacht opengebroken",
    ),
    "ruzie-thuis": (
        "Bij de buren wordt geslagen, ik hoor gegil van een vrouw",
        "Vermoeden van kindermishandeling, elke avond geschreeuw",
        "Huiselijk geweld hiernaast",
    ),
    "zorg-om-iemand": (
        "Een verwarde vrouw loopt in haar nachthemd over straat",
        "Ik maak me zorgen om mijn buurman, hij is dementerend",
        "Er slaapt een dakloze in het portiek",
    ),
    "gaslucht": (
        "Sterke gaslucht in het trappenhuis",
        "Bij graafwerk is een gasleiding geraakt",
        "Het ruikt hier naar gas",
    ),
    "losse-gevel": (
        "Dakpannen liggen los na de storm",
        "Er komen brokken beton van het balkon",
        "Stukken van de gevel zijn naar beneden gekomen",
    ),
    "leegstand": (
        "Het huis op de hoek is al jaren onbewoond en dichtgetimmerd",
        "Leegstaande winkel wordt gekraakt",
        "Pand staat leeg en verpaupert",
    ),
    "woonoverlast": (
        "Illegale verhuur via airbnb, toeristen rennen door het trappenhuis",
        "Bovenburen geven elke nacht een feest",
        "Huisjesmelker heeft twintig mensen in één woning gestopt",
    ),
}

# Whoever writes this is to be asked.
VAGUE = (
    "Kan hier iets aan gedaan worden?",
    "Het is weer raak in onze straat",
    "Wat een ellende hier weer vandaag",
    "Wie belt de gemeente?",
    "Ik ben er helemaal klaar mee",
    "Gezellig buurtfeest gisteren, bedankt allemaal!",
    "Heeft iemand een ladder te leen?",
    "Mijn kat is weg, wie heeft haar gezien?",
    "Dit moet nu echt eens opgelost worden",
    "Het gaat hier weer helemaal mis",
    "Iemand nog een goede loodgieter?",
    "Zaterdag staat de oliebollenkraam er weer",
)
