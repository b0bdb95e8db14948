"""Towns, regions and countries that are known wherever they stand, as the four languages call them.

By hand, from general knowledge: the larger towns around the cafés that this is for, and those that a model is likely to
name. A list can never be complete; the patterns of `places` find others by the words that lead to them.
"""

from collections.abc import Mapping

_PLACES = """
Amsterdam; Rotterdam; Den Haag/The Hague/La Haye/'s-Gravenhage; Utrecht; Eindhoven; Groningen; Tilburg; Almere;
Breda; Nijmegen/Nimwegen/Nimègue; Apeldoorn; Arnhem/Arnheim; Haarlem; Enschede; Amersfoort; Zaandam; Haarlemmermeer;
's-Hertogenbosch/Den Bosch/Bois-le-Duc/Herzogenbusch; Zwolle; Zoetermeer; Leiden/Leyde; Leeuwarden; Maastricht;
Dordrecht; Alphen; Alkmaar; Emmen; Delft; Deventer; Venlo; Helmond; Hilversum; Amstelveen; Roosendaal; Purmerend;
Oosterhout; Schiedam; Lelystad; Vlaardingen; Hoorn; Almelo; Gouda; Assen; Spijkenisse; Bergen op Zoom; Veenendaal;
Nieuwegein; Zeist; Hengelo; Houten; Doetinchem; Roermond; Sittard; Heerlen; Middelburg; Vlissingen; Terneuzen;
Zutphen; Wageningen; Tiel; Culemborg; Woerden; Bussum; Soest; Baarn; Harderwijk; Kampen; Meppel; Hoogeveen;
Drachten; Sneek; Harlingen; Den Helder; Texel; Aalten; Rhenen; Weert; Goes; Antwerpen/Antwerp/Anvers;
Gent/Ghent/Gand; Brugge/Bruges/Brügge; Brussel/Brussels/Brüssel/Bruxelles; Leuven/Louvain/Löwen;
Mechelen/Malines/Mecheln; Luik/Liège/Lüttich; Namen/Namur; Charleroi; Mons/Bergen; Aalst/Alost; Kortrijk/Courtrai;
Hasselt; Genk; Oostende/Ostend/Ostende; Sint-Niklaas; Doornik/Tournai; Verviers; Eupen; Turnhout; Berlin/Berlijn;
Hamburg/Hambourg; München/Munich; Köln/Keulen/Cologne; Frankfurt/Francfort; Stuttgart; Düsseldorf; Leipzig;
Dortmund; Essen; Bremen/Brême; Dresden/Dresde; Hannover/Hanover/Hanovre; Nürnberg/Nuremberg/Neurenberg; Duisburg;
Bochum; Wuppertal; Bielefeld; Bonn; Münster; Mannheim; Karlsruhe; Augsburg; Wiesbaden; Mönchengladbach;
Gelsenkirchen; Aachen/Aken/Aix-la-Chapelle; Braunschweig/Brunswick; Chemnitz; Kiel; Halle; Magdeburg; Freiburg;
Krefeld; Mainz/Mayence; Lübeck; Erfurt; Oberhausen; Rostock; Kassel; Hagen; Potsdam; Saarbrücken; Hamm;
Ludwigshafen; Oldenburg; Osnabrück; Leverkusen; Heidelberg; Solingen; Darmstadt; Herne; Neuss;
Regensburg/Ratisbonne; Paderborn; Ingolstadt; Würzburg; Fürth; Ulm; Heilbronn; Göttingen; Wolfsburg; Reutlingen;
Koblenz/Coblence; Bremerhaven; Erlangen; Jena; Trier/Trèves; Recklinghausen; Bottrop; Siegen; Cottbus; Gütersloh;
Hildesheim; Kaiserslautern; Emden; Leer; Nordhorn; Lingen; Meppen; Gronau; Bocholt; Coesfeld; Rheine; Vreden;
Dülmen; Kleve; Emmerich; Wesel; Goch; Geldern; Kempen; Viersen; Moers; Worms; Celle; Lüneburg; Stade; Flensburg;
Bayreuth; Bamberg; Passau; Konstanz/Constance; Tübingen; Gießen; Marburg; Fulda; Weimar; Gera; Zwickau; Plauen;
Bautzen; Görlitz; Peine; Löhne; Lage; Werne; Düren; Ahlen; Minden; Verden; Haren; Meißen; Wien/Wenen/Vienna/Vienne;
Graz; Linz; Salzburg/Salzbourg; Innsbruck; Klagenfurt; Villach; Wels; Sankt Pölten/St. Pölten; Dornbirn;
Zürich/Zurich; Genf/Genève/Geneva; Basel/Bâle; Bern/Berne; Lausanne; Winterthur/Winterthour; Luzern/Lucerne;
Sankt Gallen/St. Gallen/Saint-Gall; Lugano; Biel/Bienne; Thun; Olten; Paris/Parijs; Marseille; Lyon; Toulouse;
Nice/Nizza; Nantes; Montpellier; Straßburg/Straatsburg/Strasbourg; Bordeaux; Lille/Rijsel; Rennes; Reims;
Saint-Étienne; Toulon; Le Havre; Grenoble; Dijon; Angers; Nîmes; Clermont-Ferrand; Le Mans; Brest; Tours; Amiens;
Limoges; Metz; Besançon; Orléans; Rouen; Mulhouse/Mülhausen; Caen; Nancy; Roubaix; Tourcoing; Avignon;
Dunkerque/Duinkerke; Poitiers; La Rochelle; Calais; Colmar; Annecy; Chambéry; Quimper; Lorient;
London/Londen/Londres; Birmingham; Manchester; Leeds; Glasgow; Sheffield; Liverpool; Edinburgh/Édimbourg; Bristol;
Cardiff; Leicester; Coventry; Nottingham; Newcastle; Sunderland; Brighton; Hull; Plymouth; Derby; Southampton;
Portsmouth; Norwich; Oxford; Cambridge; York; Exeter; Swansea; Aberdeen; Dundee; Belfast; Dublin; Cork; Galway;
Bath; Reading; Canterbury; Ipswich; Colchester; Swindon; Gloucester; Cheltenham; Worcester; Lancaster; Chester;
Carlisle; Durham; Aberystwyth; Vlaanderen/Flandern/Flanders/Flandre; Wallonië/Wallonie; Friesland; Drenthe;
Overijssel; Gelderland; Flevoland; Limburg; Noord-Holland; Zuid-Holland; Zeeland; Noord-Brabant; Brabant; Twente;
Achterhoek; Veluwe; Betuwe; Bayern/Beieren/Bavière; Sachsen/Saksen; Hessen; Niedersachsen; Westfalen;
Nordrhein-Westfalen; Rheinland; Ruhrgebiet; Thüringen; Brandenburg; Allgäu; Schwaben; Franken; Emsland; Münsterland;
Ostfriesland; Saarland; Tirol; Kärnten; Steiermark; Burgenland; Bretagne/Brittany; Normandie/Normandy;
Alsace/Elsass; Lorraine; Bourgogne; Provence; Auvergne; Aquitaine; Picardie; Savoie; Cornwall; Devon; Kent; Sussex;
Yorkshire; Norfolk; Suffolk; Cumbria; Northumberland
"""
_LANDS = """
Nederland/Niederlande/Niederlanden/Netherlands/Pays-Bas/Holland; België/Belgien/Belgium/Belgique;
Luxemburg/Luxembourg; Duitsland/Deutschland/Germany/Allemagne; Oostenrijk/Österreich/Austria/Autriche;
Zwitserland/Schweiz/Switzerland/Suisse; Frankrijk/Frankreich/France; Engeland/England/Angleterre;
Schotland/Schottland/Scotland/Écosse; Wales; Ierland/Ireland
"""
"""A land may be named beside the right town."""
_AS_WORDS = """
Alphen Bath Bergen Constance Cork Essen Franken Goes Haren Hagen Halle Hamm Hessen Hoorn Hull Kent Lage Leer
Lingen Minden Mons Namen Nancy Nice Olten Peine Plauen Reading Soest Stade Tours Ulm Wales Wels Werne Wesel
Worms Chester Derby Brest Lorraine Metz Lancaster Houten Weert Kempen Thun Ahlen Verden Siegen
"""
"""Those that are something else as well, in one of the languages: known after a word that leads to a place alone."""


def _groups(names: str) -> list[list[str]]:
    return [group.split("/") for group in " ".join(names.split()).split("; ")]


ALIASES: Mapping[str, frozenset[str]] = {
    name.casefold(): frozenset(one.casefold() for one in names)
    for names in (*_groups(_PLACES), *_groups(_LANDS))
    for name in names
}
"""In small letters every name, with all that the same place is called."""
ANYWHERE = tuple(name for names in _groups(_PLACES) for name in names if name not in _AS_WORDS.split())
"""As they are written."""
