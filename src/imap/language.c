/* SPDX-License-Identifier: MIT */
/*
 * Texts of responses in other languages, looked up by their English form where responses are
 * written (session.c answer(), resp.c), so that handlers say English and need not care. A new
 * language is a column; a text that is not here is said in English.
 */
#include "imap/language.h"

#include "base/err.h"
#include "base/mem.h"

const char *const imap_language_tags[] = { "i-default", "en", "de", "fr", NULL };

static const struct {
	const char *en, *de, *fr;
} texts[] = {
	/* how commands end */
	{ " completed", " ausgeführt", " terminé" },
	{ "logged in", "angemeldet", "connecté" },
	{ "begin TLS now", "TLS beginnt jetzt", "TLS commence maintenant" },
	{ "DEFLATE active", "DEFLATE ist aktiv", "DEFLATE est actif" },
	{ "conditional STORE failed for some", "bedingtes STORE ist für einige gescheitert",
	  "le STORE conditionnel a échoué pour certains" },
	{ "language changed", "die Sprache ist gewechselt", "la langue est changée" },
	{ "go ahead", "weiter", "continuez" },
	{ "idling", "es wird gewartet", "en attente" },
	/* the table of base/err.h */
	{ "no such thing", "das gibt es nicht", "cela n'existe pas" },
	{ "it exists already", "das gibt es schon", "cela existe déjà" },
	{ "mailbox is full", "das Postfach ist voll", "la boîte est pleine" },
	{ "a limit of this server was reached", "eine Grenze dieses Servers ist erreicht",
	  "une limite de ce serveur est atteinte" },
	{ "syntax error", "Syntaxfehler", "erreur de syntaxe" },
	{ "in use, try again", "in Gebrauch, bitte noch einmal versuchen", "occupé, réessayez" },
	{ "no space left, try again later", "kein Platz mehr, bitte später noch einmal versuchen",
	  "plus de place, réessayez plus tard" },
	{ "temporary trouble of this server", "vorübergehende Störung dieses Servers",
	  "panne temporaire de ce serveur" },
	{ "not permitted", "nicht erlaubt", "interdit" },
	{ "authentication failed", "die Anmeldung ist gescheitert", "l'authentification a échoué" },
	{ "timed out", "die Zeit ist abgelaufen", "délai dépassé" },
	{ "the peer closed the connection", "die Gegenseite hat die Verbindung beendet",
	  "le correspondant a fermé la connexion" },
	{ "that cannot be done", "das geht nicht", "c'est impossible" },
	{ "message is too large", "die Nachricht ist zu groß", "le message est trop grand" },
	{ "unknown character set", "unbekannter Zeichensatz", "jeu de caractères inconnu" },
	{ "unknown content transfer encoding", "unbekannte Übertragungskodierung",
	  "codage de transfert inconnu" },
	{ "TLS failed", "TLS ist gescheitert", "TLS a échoué" },
	{ "internal error", "interner Fehler", "erreur interne" },
	{ "bad settings or arguments", "falsche Einstellungen oder Argumente",
	  "réglages ou arguments incorrects" },
	{ "there are too many annotations", "es gibt zu viele Anmerkungen", "il y a trop d'annotations" },
	/* refusals of single commands */
	{ "a command is: tag SP name", "ein Befehl ist: Marke, Leerzeichen, Name",
	  "une commande est : étiquette, espace, nom" },
	{ "a line ends in CRLF", "eine Zeile endet mit CRLF", "une ligne se termine par CRLF" },
	{ "unknown command", "unbekannter Befehl", "commande inconnue" },
	{ "too many messages for one command", "zu viele Nachrichten für einen Befehl",
	  "trop de messages pour une commande" },
	{ "that was for the last messages only, say it again for the others",
	  "das galt nur für die letzten Nachrichten, für die anderen bitte noch einmal",
	  "cela ne valait que pour les derniers messages, répétez pour les autres" },
	{ "log in first", "bitte erst anmelden", "connectez-vous d'abord" },
	{ "the login was cancelled", "die Anmeldung wurde abgebrochen", "la connexion a été annulée" },
	{ "already logged in", "schon angemeldet", "déjà connecté" },
	{ "no mailbox is selected", "kein Postfach ist ausgewählt", "aucune boîte n'est sélectionnée" },
	{ "the mailbox is open for reading only", "das Postfach ist nur zum Lesen geöffnet",
	  "la boîte est ouverte en lecture seule" },
	{ "too many connections of this account, try again later",
	  "zu viele Verbindungen dieses Kontos, bitte später noch einmal versuchen",
	  "trop de connexions de ce compte, réessayez plus tard" },
	{ IMAP_SAYS_GONE, "einige dieser Nachrichten gibt es nicht mehr, sie wurden inzwischen gelöscht",
	  "certains de ces messages n'existent plus, ils ont été supprimés entre-temps" },
	{ "use TLS before logging in", "vor dem Anmelden bitte TLS verwenden",
	  "utilisez TLS avant de vous connecter" },
	{ "TLS is on already", "TLS ist schon an", "TLS est déjà actif" },
	{ "TLS is not available here", "TLS gibt es hier nicht", "TLS n'est pas disponible ici" },
	{ "DONE ends IDLE", "DONE beendet IDLE", "DONE termine IDLE" },
	{ "DEFLATE is active already", "DEFLATE ist schon aktiv", "DEFLATE est déjà actif" },
	{ "no such compression", "diese Kompression gibt es nicht", "cette compression n'existe pas" },
	{ "a URL names nothing that is here", "eine URL nennt nichts, was hier ist",
	  "une URL ne désigne rien d'ici" },
	{ "the message is empty", "die Nachricht ist leer", "le message est vide" },
	{ "a message has no such part", "eine Nachricht hat keinen solchen Teil", "un message n'a pas cette partie" },
	{ "too many annotations at once", "zu viele Anmerkungen auf einmal", "trop d'annotations à la fois" },
	{ "the value is too large", "der Wert ist zu groß", "la valeur est trop grande" },
	{ "no such quota root", "diese Quotenwurzel gibt es nicht", "cette racine de quota n'existe pas" },
	{ "no such resource", "diese Ressource gibt es nicht", "cette ressource n'existe pas" },
	{ "that is no URL that could be authorized", "das ist keine URL, die freigegeben werden kann",
	  "ce n'est pas une URL qui puisse être autorisée" },
	{ "a URL is authorized by the user whom it names", "eine URL gibt der Benutzer frei, den sie nennt",
	  "une URL est autorisée par l'utilisateur qu'elle nomme" },
	{ "the URL names no mailbox that you can read", "die URL nennt kein Postfach, das Sie lesen können",
	  "l'URL ne désigne aucune boîte que vous puissiez lire" },
	{ "the URL has no section that there could be", "die URL hat keinen Abschnitt, den es geben könnte",
	  "l'URL n'a pas de section possible" },
	{ "the only mechanism is INTERNAL", "das einzige Verfahren ist INTERNAL",
	  "le seul mécanisme est INTERNAL" },
	{ "mechanisms of URLAUTH", "Verfahren von URLAUTH", "mécanismes d'URLAUTH" },
	{ "nobody has that name", "niemand heißt so", "personne ne porte ce nom" },
	{ "the owner has all rights", "der Eigentümer hat alle Rechte",
	  "le propriétaire a tous les droits" },
	{ "no such right", "dieses Recht gibt es nicht", "ce droit n'existe pas" },
	{ "a mailbox stays with its owner", "ein Postfach bleibt bei seinem Eigentümer",
	  "une boîte reste à son propriétaire" },
	{ "only administrators set quotas", "nur Verwalter setzen Quoten",
	  "seuls les administrateurs fixent les quotas" },
	{ "that limit cannot be set", "diese Grenze kann nicht gesetzt werden",
	  "cette limite ne peut pas être fixée" },
	{ "that special use is not supported", "dieser besondere Zweck wird nicht unterstützt",
	  "cet usage spécial n'est pas pris en charge" },
	{ "that language is not supported", "diese Sprache wird nicht unterstützt",
	  "cette langue n'est pas prise en charge" },
	{ "tag reuse", "diese Marke ist schon in Gebrauch", "cette étiquette est déjà utilisée" },
	{ "no such filter", "diesen Filter gibt es nicht", "ce filtre n'existe pas" },
	{ "the filter is no search program", "der Filter ist kein Suchprogramm",
	  "le filtre n'est pas un programme de recherche" },
	{ "a batch is of 500 messages or more", "ein Teil hat 500 Nachrichten oder mehr",
	  "un lot a 500 messages ou plus" },
	{ "such an event is not supported", "so ein Ereignis wird nicht unterstützt",
	  "cet événement n'est pas pris en charge" },
	{ "that is too much to watch", "das ist zu viel zu beobachten", "c'est trop à surveiller" },
	{ "no such comparator", "diesen Vergleich gibt es nicht", "ce comparateur n'existe pas" },
	/* untagged OK */
	{ "first unseen", "die erste ungelesene", "le premier non lu" },
	{ "UIDs are valid", "UIDs sind gültig", "les UID sont valables" },
	{ "predicted next UID", "die nächste UID", "le prochain UID prévu" },
	{ "highest", "die höchste", "la plus haute" },
	{ "id", "Kennung", "identifiant" },
	{ "CONDSTORE is on", "CONDSTORE ist an", "CONDSTORE est actif" },
	{ "previous mailbox closed", "das vorige Postfach ist geschlossen",
	  "la boîte précédente est fermée" },
	{ "the mailbox is being deleted", "das Postfach wird gelöscht", "la boîte est supprimée" },
	{ "still working", "noch bei der Arbeit", "travail en cours" },
	{ "moved", "verschoben", "déplacé" },
	{ "changes of this result are not told", "Änderungen dieses Ergebnisses werden nicht gemeldet",
	  "les changements de ce résultat ne sont pas annoncés" },
	{ "replacement is there", "der Ersatz ist da", "le remplaçant est là" },
	{ "too much has happened, NOTIFY is off", "es ist zu viel geschehen, NOTIFY ist aus",
	  "trop de choses se sont passées, NOTIFY est arrêté" },
	/* BYE */
	{ "see you", "auf Wiedersehen", "au revoir" },
	{ "too many errors", "zu viele Fehler", "trop d'erreurs" },
	{ "it took too long to log in", "das Anmelden hat zu lange gedauert",
	  "la connexion a pris trop de temps" },
	{ "idle for too long", "zu lange still", "inactif trop longtemps" },
	{ "the server stops", "der Server hält an", "le serveur s'arrête" },
	{ "the selected mailbox was deleted", "das ausgewählte Postfach wurde gelöscht",
	  "la boîte sélectionnée a été supprimée" },
	{ "the mailbox has changed too much, select it again",
	  "das Postfach hat sich zu sehr geändert, bitte noch einmal auswählen",
	  "la boîte a trop changé, sélectionnez-la de nouveau" },
	{ "the literal took too long", "das Literal hat zu lange gedauert",
	  "le littéral a pris trop de temps" },
	{ "too many transfers at once, try again later",
	  "zu viele Übertragungen zugleich, bitte später noch einmal versuchen",
	  "trop de transferts à la fois, réessayez plus tard" },
	{ "the line is too long", "die Zeile ist zu lang", "la ligne est trop longue" },
};

struct str imap_language_text(enum imap_language language, struct str english)
{
	if (language == IMAP_LANG_DEFAULT || language == IMAP_LANG_EN)
		return english;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (str_eq(str_z(texts[i].en), english))
			return str_z(language == IMAP_LANG_DE ? texts[i].de : texts[i].fr);
	}
	return english;
}

/* language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*"   RFC 4647 2.1 */
static bool is_range(struct str range)
{
	struct str subtag;
	bool is_first = true;

	if (str_eq(range, S("*")))
		return true;
	if (range.n == 0 || str_ends(range, S("-")))
		return false;
	while (str_split(&range, '-', &subtag)) {
		if (subtag.n < 1 || subtag.n > 8)
			return false;
		for (size_t i = 0; i < subtag.n; i++) {
			char c = str_lower_char(subtag.p[i]);

			if (!(c >= 'a' && c <= 'z') && (is_first || c < '0' || c > '9'))
				return false;
		}
		is_first = false;
	}
	return true;
}

/* RFC 4647 3.4: without its last subtag, and without a single letter that then stands last. */
static struct str shorten(struct str range)
{
	ptrdiff_t dash = str_rchr(range, '-');

	range = str_head(range, dash < 0 ? 0 : (size_t)dash);
	if (range.n >= 2 && range.p[range.n - 2] == '-')
		range.n -= 2;
	return range;
}

int imap_language_find(struct str range, enum imap_language *ret)
{
	if (!is_range(range))
		return -E_SYNTAX;
	if (str_eq(range, S("*"))) {
		*ret = IMAP_LANG_DEFAULT;
		return 1;
	}
	for (; range.n > 0; range = shorten(range)) {
		for (int i = 0; i < IMAP_LANG_COUNT_; i++) {
			if (str_ieq(str_z(imap_language_tags[i]), range)) {
				*ret = (enum imap_language)i;
				return 1;
			}
		}
	}
	return 0;
}
