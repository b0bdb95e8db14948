FLASK_APP=repaircafe.app
